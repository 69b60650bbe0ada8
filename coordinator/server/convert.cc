#include "coordinator/server/convert.h"

#include <cmath>
#include <filesystem>

namespace fusor {

google::protobuf::Timestamp ToWire(Time time) {
  google::protobuf::Timestamp out;
  const std::int64_t millis = ToUnixMillis(time);
  out.set_seconds(millis / 1000);
  out.set_nanos(static_cast<std::int32_t>(millis % 1000) * 1'000'000);
  return out;
}

Time FromWire(const google::protobuf::Timestamp& time) {
  return FromUnixMillis(time.seconds() * 1000 + time.nanos() / 1'000'000);
}

google::protobuf::Duration DurationToWire(std::int64_t millis) {
  google::protobuf::Duration out;
  out.set_seconds(millis / 1000);
  out.set_nanos(static_cast<std::int32_t>(millis % 1000) * 1'000'000);
  return out;
}

v1::TrialRef ToWire(const TrialKey& trial) {
  v1::TrialRef out;
  out.set_sweep(trial.sweep.value);
  out.set_stage(trial.stage);
  out.set_cell(trial.cell);
  return out;
}

v1::TrialState ToWire(TrialState state) {
  switch (state) {
    case TrialState::kBlocked:
      return v1::TRIAL_STATE_BLOCKED;
    case TrialState::kReady:
      return v1::TRIAL_STATE_READY;
    case TrialState::kRunning:
      return v1::TRIAL_STATE_RUNNING;
    case TrialState::kSucceeded:
      return v1::TRIAL_STATE_SUCCEEDED;
    case TrialState::kFailed:
      return v1::TRIAL_STATE_FAILED;
    case TrialState::kCanceled:
      return v1::TRIAL_STATE_CANCELED;
    case TrialState::kSkipped:
      return v1::TRIAL_STATE_SKIPPED;
  }
  return v1::TRIAL_STATE_UNSPECIFIED;
}

v1::SweepState ToWire(SweepState state) {
  switch (state) {
    case SweepState::kRunning:
      return v1::SWEEP_STATE_RUNNING;
    case SweepState::kPaused:
      return v1::SWEEP_STATE_PAUSED;
    case SweepState::kFinished:
      return v1::SWEEP_STATE_FINISHED;
    case SweepState::kCanceled:
      return v1::SWEEP_STATE_CANCELED;
  }
  return v1::SWEEP_STATE_UNSPECIFIED;
}

std::optional<TrialState> FromWire(v1::TrialState state) {
  for (int i = 0; i < kTrialStates; ++i) {
    if (ToWire(static_cast<TrialState>(i)) == state) return static_cast<TrialState>(i);
  }
  return std::nullopt;
}

std::optional<SweepState> FromWire(v1::SweepState state) {
  for (const SweepState each :
       {SweepState::kRunning, SweepState::kPaused, SweepState::kFinished, SweepState::kCanceled}) {
    if (ToWire(each) == state) return each;
  }
  return std::nullopt;
}

v1::Event ToWire(const PutEvent& event) {
  v1::Event out;
  out.set_id(event.id.value);
  *out.mutable_time() = ToWire(event.time);
  out.set_kind(event.kind);
  out.set_sweep(event.sweep.value);
  if (event.has_trial) *out.mutable_trial() = ToWire(event.trial);
  out.set_attempt(event.attempt.value);
  out.set_worker(event.worker.value);
  out.set_detail(event.detail);
  out.set_reason(event.reason);
  return out;
}

std::string ArtifactPath(const PutArtifact& artifact, const SweepModel& model) {
  const TrialKey& trial = artifact.trial;
  if (trial.stage >= model.grids.size()) return "";
  std::filesystem::path path = model.stage_names[trial.stage];
  path /= model.grid(trial.stage).NameOf(trial.cell);
  std::string folder = artifact.kind;
  if (artifact.kind == "checkpoint") folder += "-" + std::to_string(artifact.step);
  path /= folder;
  // The name comes from a worker: nothing of it may lead out of the folder.
  for (const std::filesystem::path& part : std::filesystem::path(artifact.file.name)) {
    if (part.empty() || part == "." || part == ".." || part.is_absolute()) continue;
    if (part.string() == artifact.kind) continue;
    path /= part;
  }
  return path.string();
}

v1::Artifact ToWire(const PutArtifact& artifact, const SweepModel& model) {
  v1::Artifact out;
  out.set_id(artifact.id.value);
  *out.mutable_trial() = ToWire(artifact.trial);
  out.set_attempt(artifact.attempt.value);
  out.set_kind(artifact.kind);
  out.set_step(artifact.step);
  out.set_name(artifact.file.name);
  out.set_sha256(artifact.file.sha256);
  out.set_bytes(artifact.file.bytes);
  *out.mutable_time() = ToWire(artifact.time);
  if (artifact.trial.stage < model.grids.size()) {
    out.set_trial_name(model.grid(artifact.trial.stage).NameOf(artifact.trial.cell));
  }
  out.set_path(ArtifactPath(artifact, model));
  return out;
}

namespace {

// The length of the UTF-8 sequence at the beginning, 0 when there is none.
std::size_t SequenceLength(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Overlong forms, surrogates and what lies beyond Unicode.
  if (first == 0xe0 && byte(1) < 0xa0) return 0;
  if (first == 0xed && byte(1) > 0x9f) return 0;
  if (first == 0xf0 && byte(1) < 0x90) return 0;
  if (first == 0xf4 && byte(1) > 0x8f) return 0;
  return length;
}

}  // namespace

std::string Utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = SequenceLength(text);
    if (length == 0) {
      out += "\xef\xbf\xbd";
      text.remove_prefix(1);
    } else {
      out += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return out;
}

v1::Nonfinite NonfiniteOf(double value) {
  if (std::isnan(value)) return v1::NONFINITE_NAN;
  if (std::isinf(value)) {
    return value > 0 ? v1::NONFINITE_POSITIVE_INFINITY : v1::NONFINITE_NEGATIVE_INFINITY;
  }
  return v1::NONFINITE_UNSPECIFIED;
}

}  // namespace fusor
