#include "proto/session_convert.h"

#include <utility>

namespace fusor {

namespace {

void Write(const WorkerInfo& in, v1::WorkerInfo& out) {
  out.set_uid(in.uid);
  out.set_incarnation(in.incarnation);
  out.set_name(in.name);
  out.set_version(in.version);
  for (const SlotInfo& slot : in.slots) {
    v1::SlotInfo& to = *out.add_slots();
    to.set_index(slot.index);
    to.set_gpu(slot.gpu);
    to.set_device_uuid(slot.device_uuid);
    to.set_device_name(slot.device_name);
    to.set_gpu_type(slot.gpu_type);
    to.set_device_memory_gib(slot.device_memory_gib);
    to.set_cpus(slot.cpus);
    to.set_memory_gib(slot.memory_gib);
    to.set_disk_gib(slot.disk_gib);
  }
  for (const std::string& precision : in.precisions) out.add_precisions(precision);
  for (const DatasetInfo& dataset : in.datasets) {
    v1::DatasetInfo& to = *out.add_datasets();
    to.set_name(dataset.name);
    to.set_fingerprint(dataset.fingerprint);
    to.set_archive(dataset.archive);
  }
  for (const auto& [key, value] : in.labels) (*out.mutable_labels())[key] = value;
  for (const std::string& note : in.notes) out.add_notes(note);
}

void Write(const StoredFile& in, v1::StoredFile& out) {
  out.set_name(in.name);
  out.set_sha256(in.sha256);
  out.set_bytes(in.bytes);
}

void Write(const CheckpointFact& in, v1::Checkpoint& out) {
  out.set_step(in.step);
  for (const StoredFile& file : in.files) Write(file, *out.add_files());
}

void Write(const Outcome& outcome, v1::Final& out) {
  switch (outcome.kind) {
    case OutcomeKind::kSucceeded:
      out.set_outcome(v1::OUTCOME_KIND_SUCCEEDED);
      break;
    case OutcomeKind::kFailed:
      out.set_outcome(v1::OUTCOME_KIND_FAILED);
      break;
    case OutcomeKind::kReleased:
      out.set_outcome(v1::OUTCOME_KIND_RELEASED);
      break;
  }
  if (outcome.failure != Failure::kNone) out.set_failure(std::string(FailureName(outcome.failure)));
  out.set_code(outcome.code);
  out.set_detail(outcome.detail);
}

struct FactWriter {
  v1::Fact& out;

  void operator()(const ProgressFact& in) const {
    v1::Progress& to = *out.mutable_progress();
    to.set_step(in.step);
    to.set_steps(in.steps);
    to.set_epoch(in.epoch);
    to.set_phase(in.phase);
  }
  void operator()(const StartedFact& in) const {
    v1::Started& to = *out.mutable_started();
    to.set_resumed_from_step(in.resumed_from_step);
    to.set_bit_exact(in.bit_exact);
    to.set_precision_used(in.precision_used);
    for (const auto& [key, value] : in.info) (*to.mutable_info())[key] = value;
  }
  void operator()(const MetricsFact& in) const {
    v1::MetricColumns& to = *out.mutable_metrics();
    for (const std::string& name : in.names) to.add_names(name);
    to.mutable_steps()->Add(in.steps.begin(), in.steps.end());
    for (const std::vector<double>& column : in.values) {
      to.mutable_values()->Add(column.begin(), column.end());
    }
    to.set_time_ms(in.time_ms);
  }
  void operator()(const LogFact& in) const {
    v1::LogText& to = *out.mutable_log();
    to.set_time_ms(in.time_ms);
    to.set_is_error_stream(in.is_error_stream);
    to.set_text(in.text);
  }
  void operator()(const EvaluationFact& in) const {
    v1::Evaluation& to = *out.mutable_evaluation();
    to.set_step(in.step);
    to.set_epoch(in.epoch);
    to.set_time_ms(in.time_ms);
    for (const auto& [name, value] : in.values) (*to.mutable_values())[name] = value;
  }
  void operator()(const CheckpointFact& in) const { Write(in, *out.mutable_checkpoint()); }
  void operator()(const ArtifactFact& in) const {
    v1::ProducedArtifact& to = *out.mutable_artifact();
    to.set_kind(in.kind);
    to.set_step(in.step);
    Write(in.file, *to.mutable_file());
  }
  void operator()(const FinalFact& in) const {
    v1::Final& to = *out.mutable_final();
    Write(in.outcome, to);
    to.set_step(in.step);
    to.set_time_ms(in.time_ms);
    to.set_running_ms(in.running_ms);
    for (const std::string& line : in.log_tail) to.add_log_tail(line);
  }
};

struct WorkerItemWriter {
  v1::WorkerItem& out;

  void operator()(const HelloMessage& in) const {
    v1::Hello& to = *out.mutable_hello();
    to.set_protocol(in.protocol);
    to.set_cluster_id(in.cluster_id);
    to.set_generation(in.generation);
    Write(in.info, *to.mutable_info());
    for (const AttemptId id : in.held) to.add_held(id.value);
  }
  void operator()(const HeartbeatMessage& in) const {
    v1::Heartbeat& to = *out.mutable_heartbeat();
    to.set_sequence(in.sequence);
    for (const AttemptId id : in.held) to.add_held(id.value);
  }
  void operator()(const FactsMessage& in) const {
    v1::Facts& to = *out.mutable_facts();
    to.set_attempt(in.attempt.value);
    to.set_rank(in.rank);
    to.set_first_number(in.facts.empty() ? 0 : in.facts.front().number);
    for (const Fact& fact : in.facts) ToWire(fact.body, *to.add_facts());
  }
  void operator()(const SlotMessage& in) const {
    v1::SlotReport& to = *out.mutable_slot();
    to.set_slot(in.slot);
    to.set_condition(in.condition == SlotCondition::kStuck ? v1::SLOT_CONDITION_STUCK
                                                           : v1::SLOT_CONDITION_USABLE);
    to.set_reason(in.reason);
  }
  void operator()(const InfoMessage& in) const { Write(in.info, *out.mutable_info()); }
  void operator()(const LeavingMessage& in) const { out.mutable_leaving()->set_reason(in.reason); }
};

v1::RefuseReason ToWire(RefuseReason reason) {
  switch (reason) {
    case RefuseReason::kOtherStreamLives:
      return v1::REFUSE_REASON_OTHER_STREAM_LIVES;
    case RefuseReason::kOlderIncarnation:
      return v1::REFUSE_REASON_OLDER_INCARNATION;
    case RefuseReason::kOtherCluster:
      return v1::REFUSE_REASON_OTHER_CLUSTER;
    case RefuseReason::kOtherGeneration:
      return v1::REFUSE_REASON_OTHER_GENERATION;
    case RefuseReason::kProtocol:
      return v1::REFUSE_REASON_PROTOCOL;
    case RefuseReason::kFull:
      return v1::REFUSE_REASON_FULL;
  }
  return v1::REFUSE_REASON_UNSPECIFIED;
}

v1::StopMode ToWire(StopMode mode) {
  switch (mode) {
    case StopMode::kAbort:
      return v1::STOP_MODE_ABORT;
    case StopMode::kCheckpointAndStop:
      return v1::STOP_MODE_CHECKPOINT_AND_STOP;
    case StopMode::kDrop:
      return v1::STOP_MODE_DROP;
  }
  return v1::STOP_MODE_UNSPECIFIED;
}

void Write(const StartMessage& in, v1::Start& to) {
  to.set_attempt(in.attempt.value);
  to.set_trial(in.trial);
  to.set_number(in.number);
  to.set_name(in.name);
  to.set_recipe(in.recipe);
  to.set_dataset(in.dataset);
  to.set_recipe_version(in.recipe_version);
  to.set_config(in.config);
  to.set_precision_used(in.precision_used);
  for (const std::uint32_t slot : in.slots) to.add_slots(slot);
  to.set_rank(in.rank);
  to.set_world(in.world);
  to.set_threads(in.threads);
  to.set_memory_gib(in.memory_gib);
  to.set_time_left_ms(in.time_left.count());
  to.set_hang_timeout_ms(in.hang_timeout.count());
  to.set_checkpoint_every_steps(in.checkpoint_every_steps);
  to.set_checkpoint_every_ms(in.checkpoint_every.count());
  if (in.resume) Write(*in.resume, *to.mutable_resume());
  for (const InputFiles& input : in.inputs) {
    v1::InputFiles& files = *to.add_inputs();
    files.set_trial(input.trial);
    for (const StoredFile& file : input.files) Write(file, *files.add_files());
  }
}

struct CoordinatorItemWriter {
  v1::CoordinatorItem& out;

  void operator()(const WelcomeMessage& in) const {
    v1::Welcome& to = *out.mutable_welcome();
    to.set_cluster_id(in.cluster_id);
    to.set_generation(in.generation);
    to.set_lease_length_ms(in.lease_length.count());
    to.set_heartbeat_every_ms(in.heartbeat_every.count());
  }
  void operator()(const RefuseMessage& in) const {
    v1::Refuse& to = *out.mutable_refuse();
    to.set_reason(ToWire(in.reason));
    to.set_detail(in.detail);
  }
  void operator()(const RegisterAgainMessage&) const { out.mutable_register_again(); }
  void operator()(const StartMessage& in) const { Write(in, *out.mutable_start()); }
  void operator()(const StopMessage& in) const {
    v1::Stop& to = *out.mutable_stop();
    to.set_attempt(in.attempt.value);
    to.set_mode(ToWire(in.mode));
    to.set_reason(in.reason);
  }
  void operator()(const AckMessage& in) const {
    v1::Ack& to = *out.mutable_ack();
    to.set_attempt(in.attempt.value);
    to.set_rank(in.rank);
    to.set_number(in.number);
  }
  void operator()(const HeartbeatAckMessage& in) const {
    out.mutable_heartbeat_ack()->set_sequence(in.sequence);
  }
};

}  // namespace

void ToWire(const FactBody& body, v1::Fact& out) { std::visit(FactWriter{out}, body); }

void AppendTo(v1::SessionRequest& out, const WorkerMessage& message) {
  std::visit(WorkerItemWriter{*out.add_items()}, message);
}

void AppendTo(v1::SessionResponse& out, const CoordinatorMessage& message) {
  std::visit(CoordinatorItemWriter{*out.add_items()}, message);
}

}  // namespace fusor
