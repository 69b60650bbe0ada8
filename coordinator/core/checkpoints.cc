#include "coordinator/core/checkpoints.h"

#include <algorithm>

#include "common/base/limits.h"
#include "coordinator/core/trials.h"

namespace fusor::core {

namespace {

constexpr int kCrashesMax = 2;

// The step that a rank of the running attempt has still to begin from; -1: none has.
std::int64_t AwaitedStep(const Trial& trial) {
  const Attempt* attempt = trial.current;
  if (attempt == nullptr) return -1;
  const bool all_began = std::all_of(attempt->ranks.begin(), attempt->ranks.end(),
                                     [](const Rank& rank) { return rank.cursor > 0; });
  return all_began ? -1 : attempt->resume_step;
}

void Remove(Turn& turn, const Checkpoint& checkpoint) {
  for (const ArtifactId artifact : checkpoint.artifacts) turn.Write(RemoveArtifact{artifact});
}

// Removes the oldest beyond `keep`, but not what a late rank has still to begin from.
void Trim(Turn& turn, Trial& trial) {
  const auto keep = static_cast<std::size_t>(std::max(trial.stage->spec->checkpoint.keep, 1));
  const std::int64_t awaited = AwaitedStep(trial);
  std::size_t surplus = trial.checkpoints.size() - std::min(keep, trial.checkpoints.size());
  std::erase_if(trial.checkpoints, [&](const Checkpoint& old) {
    if (surplus == 0) return false;
    --surplus;  // one that is awaited stays, and nothing newer goes in its place
    if (old.fact.step == awaited) return false;
    Remove(turn, old);
    return true;
  });
}

}  // namespace

std::int64_t ResumeStep(const Trial& trial) {
  return trial.checkpoints.empty() ? -1 : trial.checkpoints.back().fact.step;
}

std::optional<CheckpointFact> CheckpointAt(const Trial& trial, std::int64_t step) {
  if (step < 0) return std::nullopt;
  for (const Checkpoint& checkpoint : trial.checkpoints) {
    if (checkpoint.fact.step == step) return checkpoint.fact;
  }
  return std::nullopt;
}

void CommitCheckpoint(Turn& turn, Trial& trial, AttemptId attempt, const CheckpointFact& fact) {
  Checkpoint checkpoint{.fact = fact};
  for (const StoredFile& file : fact.files) {
    const ArtifactId id{++turn.world.last_artifact.value};
    checkpoint.artifacts.push_back(id);
    turn.Write(PutArtifact{.id = id,
                           .attempt = attempt,
                           .trial = trial.row.key,
                           .kind = "checkpoint",
                           .step = fact.step,
                           .file = file,
                           .time = turn.now});
  }
  // An attempt that fell back to an earlier checkpoint passes later ones again.
  std::erase_if(trial.checkpoints, [&](const Checkpoint& old) {
    if (old.fact.step < fact.step) return false;
    Remove(turn, old);
    return true;
  });
  trial.checkpoints.push_back(std::move(checkpoint));
  Trim(turn, trial);
}

void BlameCheckpoint(Turn& turn, Trial& trial, const Attempt& attempt, Duration running) {
  if (attempt.resume_step < 0 || running > limits::kCheckpointSuspectWindow) return;
  if (trial.checkpoints.empty()) return;
  // It got further, so the checkpoint did its work.
  Checkpoint& newest = trial.checkpoints.back();
  if (newest.fact.step != attempt.resume_step) return;
  if (++newest.crashes < kCrashesMax) return;
  turn.Happened({.kind = "checkpoint_condemned",
                 .sweep = trial.row.key.sweep,
                 .trial = trial.row.key,
                 .has_trial = true,
                 .attempt = attempt.row.id,
                 .detail = "step " + std::to_string(newest.fact.step),
                 .reason = "two attempts crashed soon after resuming from it"});
  Remove(turn, newest);
  trial.checkpoints.pop_back();
}

Duration TimeLeft(const Trial& trial) {
  const Duration limit = trial.stage->spec->time_limit;
  if (limit == Duration::zero()) return limit;
  return std::max(limit - Duration(trial.row.limited_ms), Duration(1));
}

}  // namespace fusor::core
