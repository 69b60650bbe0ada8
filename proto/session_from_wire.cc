#include <utility>

#include "common/base/limits.h"
#include "proto/session_convert.h"

namespace fusor {

namespace {

WorkerInfo Read(const v1::WorkerInfo& in) {
  WorkerInfo out;
  out.uid = in.uid();
  out.incarnation = in.incarnation();
  out.name = in.name();
  out.version = in.version();
  for (const v1::SlotInfo& slot : in.slots()) {
    out.slots.push_back({.index = slot.index(),
                         .gpu = slot.gpu(),
                         .device_uuid = slot.device_uuid(),
                         .device_name = slot.device_name(),
                         .gpu_type = slot.gpu_type(),
                         .device_memory_gib = slot.device_memory_gib(),
                         .cpus = slot.cpus(),
                         .memory_gib = slot.memory_gib(),
                         .disk_gib = slot.disk_gib()});
  }
  out.precisions.assign(in.precisions().begin(), in.precisions().end());
  for (const v1::DatasetInfo& dataset : in.datasets()) {
    out.datasets.push_back({.name = dataset.name(),
                            .fingerprint = dataset.fingerprint(),
                            .archive = dataset.archive()});
  }
  out.labels.insert(in.labels().begin(), in.labels().end());
  out.notes.assign(in.notes().begin(), in.notes().end());
  return out;
}

StoredFile Read(const v1::StoredFile& in) {
  return {.name = in.name(), .sha256 = in.sha256(), .bytes = in.bytes()};
}

CheckpointFact Read(const v1::Checkpoint& in) {
  CheckpointFact out{.step = in.step(), .files = {}};
  for (const v1::StoredFile& file : in.files()) out.files.push_back(Read(file));
  return out;
}

Result<FactBody> Read(const v1::MetricColumns& in) {
  MetricsFact out;
  out.names.assign(in.names().begin(), in.names().end());
  out.steps.assign(in.steps().begin(), in.steps().end());
  out.time_ms = in.time_ms();
  const auto steps = static_cast<std::size_t>(in.steps_size());
  if (static_cast<std::size_t>(in.values_size()) != steps * out.names.size()) {
    return InvalidArgument("metric columns: values are not names x steps");
  }
  const double* at = in.values().data();
  for (std::size_t i = 0; i < out.names.size(); ++i, at += steps)
    out.values.emplace_back(at, at + steps);
  return FactBody(std::move(out));
}

Result<FactBody> Read(const v1::Final& in) {
  FinalFact out;
  switch (in.outcome()) {
    case v1::OUTCOME_KIND_SUCCEEDED:
      out.outcome.kind = OutcomeKind::kSucceeded;
      break;
    case v1::OUTCOME_KIND_FAILED:
      out.outcome.kind = OutcomeKind::kFailed;
      break;
    case v1::OUTCOME_KIND_RELEASED:
      out.outcome.kind = OutcomeKind::kReleased;
      break;
    default:
      return InvalidArgument("final fact without an outcome");
  }
  if (!in.failure().empty()) {
    const std::optional<Failure> failure = FailureFromName(in.failure());
    if (!failure) return InvalidArgument("unknown failure '" + in.failure() + "'");
    out.outcome.failure = *failure;
  }
  const bool failed = out.outcome.kind == OutcomeKind::kFailed;
  if (failed != (out.outcome.failure != Failure::kNone)) {
    return InvalidArgument("final fact: outcome and failure disagree");
  }
  out.outcome.code = in.code();
  out.outcome.detail = in.detail();
  out.step = in.step();
  out.time_ms = in.time_ms();
  out.running_ms = in.running_ms();
  out.log_tail.assign(in.log_tail().begin(), in.log_tail().end());
  return FactBody(std::move(out));
}

FactBody Read(const v1::Started& in) {
  StartedFact out{.resumed_from_step = in.resumed_from_step(),
                  .bit_exact = in.bit_exact(),
                  .precision_used = in.precision_used(),
                  .info = {}};
  out.info.insert(in.info().begin(), in.info().end());
  return out;
}

FactBody Read(const v1::Evaluation& in) {
  EvaluationFact out{.step = in.step(), .epoch = in.epoch(), .time_ms = in.time_ms(), .values = {}};
  out.values.insert(in.values().begin(), in.values().end());
  return out;
}

Result<FactsMessage> Read(const v1::Facts& in) {
  FactsMessage out;
  out.attempt.value = in.attempt();
  out.rank = in.rank();
  if (static_cast<std::size_t>(in.facts_size()) > limits::kFactsPerBatchMax) {
    return InvalidArgument("more facts in one batch than allowed");
  }
  if (in.first_number() == 0 || in.first_number() > UINT64_MAX / 2) {
    return InvalidArgument("facts are numbered from 1");
  }
  std::uint64_t number = in.first_number();
  out.facts.reserve(static_cast<std::size_t>(in.facts_size()));
  for (const v1::Fact& fact : in.facts()) {
    Result<FactBody> body = FromWire(fact);
    if (!body.ok()) return body.status();
    out.facts.push_back({.number = number++, .body = std::move(body).value()});
  }
  return out;
}

std::vector<AttemptId> Held(const google::protobuf::RepeatedField<std::uint64_t>& in) {
  std::vector<AttemptId> out;
  out.reserve(static_cast<std::size_t>(in.size()));
  for (const std::uint64_t id : in) out.push_back({id});
  return out;
}

Result<WorkerMessage> Read(const v1::WorkerItem& item) {
  switch (item.kind_case()) {
    case v1::WorkerItem::kHello: {
      const v1::Hello& in = item.hello();
      return WorkerMessage(HelloMessage{.protocol = in.protocol(),
                                        .cluster_id = in.cluster_id(),
                                        .generation = in.generation(),
                                        .info = Read(in.info()),
                                        .held = Held(in.held())});
    }
    case v1::WorkerItem::kHeartbeat:
      return WorkerMessage(HeartbeatMessage{.sequence = item.heartbeat().sequence(),
                                            .held = Held(item.heartbeat().held())});
    case v1::WorkerItem::kFacts: {
      Result<FactsMessage> facts = Read(item.facts());
      if (!facts.ok()) return facts.status();
      return WorkerMessage(std::move(facts).value());
    }
    case v1::WorkerItem::kSlot: {
      const v1::SlotReport& in = item.slot();
      return WorkerMessage(SlotMessage{.slot = in.slot(),
                                       .condition = in.condition() == v1::SLOT_CONDITION_STUCK
                                                        ? SlotCondition::kStuck
                                                        : SlotCondition::kUsable,
                                       .reason = in.reason()});
    }
    case v1::WorkerItem::kInfo:
      return WorkerMessage(InfoMessage{.info = Read(item.info())});
    case v1::WorkerItem::kLeaving:
      return WorkerMessage(LeavingMessage{.reason = item.leaving().reason()});
    case v1::WorkerItem::KIND_NOT_SET:
      break;
  }
  return InvalidArgument("empty item in a worker's message");
}

Result<RefuseReason> Read(v1::RefuseReason reason) {
  switch (reason) {
    case v1::REFUSE_REASON_OTHER_STREAM_LIVES:
      return RefuseReason::kOtherStreamLives;
    case v1::REFUSE_REASON_OLDER_INCARNATION:
      return RefuseReason::kOlderIncarnation;
    case v1::REFUSE_REASON_OTHER_CLUSTER:
      return RefuseReason::kOtherCluster;
    case v1::REFUSE_REASON_OTHER_GENERATION:
      return RefuseReason::kOtherGeneration;
    case v1::REFUSE_REASON_PROTOCOL:
      return RefuseReason::kProtocol;
    case v1::REFUSE_REASON_FULL:
      return RefuseReason::kFull;
    default:
      return InvalidArgument("refused for an unknown reason");
  }
}

StartMessage Read(const v1::Start& in) {
  StartMessage out;
  out.attempt.value = in.attempt();
  out.trial = in.trial();
  out.number = in.number();
  out.name = in.name();
  out.recipe = in.recipe();
  out.dataset = in.dataset();
  out.recipe_version = in.recipe_version();
  out.config = in.config();
  out.precision_used = in.precision_used();
  out.slots.assign(in.slots().begin(), in.slots().end());
  out.rank = in.rank();
  out.world = in.world();
  out.threads = in.threads();
  out.memory_gib = in.memory_gib();
  out.time_left = Duration(in.time_left_ms());
  out.hang_timeout = Duration(in.hang_timeout_ms());
  out.checkpoint_every_steps = in.checkpoint_every_steps();
  out.checkpoint_every = Duration(in.checkpoint_every_ms());
  if (in.has_resume()) out.resume = Read(in.resume());
  for (const v1::InputFiles& input : in.inputs()) {
    InputFiles& files = out.inputs.emplace_back();
    files.trial = input.trial();
    for (const v1::StoredFile& file : input.files()) files.files.push_back(Read(file));
  }
  return out;
}

Result<CoordinatorMessage> Read(const v1::Stop& in) {
  StopMessage out{.attempt = {in.attempt()}, .mode = StopMode::kAbort, .reason = in.reason()};
  switch (in.mode()) {
    case v1::STOP_MODE_ABORT:
      break;
    case v1::STOP_MODE_CHECKPOINT_AND_STOP:
      out.mode = StopMode::kCheckpointAndStop;
      break;
    case v1::STOP_MODE_DROP:
      out.mode = StopMode::kDrop;
      break;
    default:
      return InvalidArgument("stop without a mode");
  }
  return CoordinatorMessage(std::move(out));
}

Result<CoordinatorMessage> Read(const v1::CoordinatorItem& item) {
  switch (item.kind_case()) {
    case v1::CoordinatorItem::kWelcome: {
      const v1::Welcome& in = item.welcome();
      return CoordinatorMessage(
          WelcomeMessage{.cluster_id = in.cluster_id(),
                         .generation = in.generation(),
                         .lease_length = Duration(in.lease_length_ms()),
                         .heartbeat_every = Duration(in.heartbeat_every_ms())});
    }
    case v1::CoordinatorItem::kRefuse: {
      Result<RefuseReason> reason = Read(item.refuse().reason());
      if (!reason.ok()) return reason.status();
      return CoordinatorMessage(RefuseMessage{.reason = *reason, .detail = item.refuse().detail()});
    }
    case v1::CoordinatorItem::kRegisterAgain:
      return CoordinatorMessage(RegisterAgainMessage{});
    case v1::CoordinatorItem::kStart:
      return CoordinatorMessage(Read(item.start()));
    case v1::CoordinatorItem::kStop:
      return Read(item.stop());
    case v1::CoordinatorItem::kAck:
      return CoordinatorMessage(AckMessage{.attempt = {item.ack().attempt()},
                                           .rank = item.ack().rank(),
                                           .number = item.ack().number()});
    case v1::CoordinatorItem::kHeartbeatAck:
      return CoordinatorMessage(HeartbeatAckMessage{.sequence = item.heartbeat_ack().sequence()});
    case v1::CoordinatorItem::KIND_NOT_SET:
      break;
  }
  return InvalidArgument("empty item in a coordinator's message");
}

template <class Message, class Items>
Result<std::vector<Message>> ReadAll(const Items& items) {
  std::vector<Message> out;
  out.reserve(static_cast<std::size_t>(items.size()));
  for (const auto& item : items) {
    Result<Message> message = Read(item);
    if (!message.ok()) return message.status();
    out.push_back(std::move(message).value());
  }
  return out;
}

}  // namespace

Result<FactBody> FromWire(const v1::Fact& in) {
  switch (in.kind_case()) {
    case v1::Fact::kProgress:
      return FactBody(ProgressFact{.step = in.progress().step(),
                                   .steps = in.progress().steps(),
                                   .epoch = in.progress().epoch(),
                                   .phase = in.progress().phase()});
    case v1::Fact::kStarted:
      return Read(in.started());
    case v1::Fact::kMetrics:
      return Read(in.metrics());
    case v1::Fact::kLog:
      return FactBody(LogFact{.time_ms = in.log().time_ms(),
                              .is_error_stream = in.log().is_error_stream(),
                              .text = in.log().text()});
    case v1::Fact::kEvaluation:
      return Read(in.evaluation());
    case v1::Fact::kCheckpoint:
      return FactBody(Read(in.checkpoint()));
    case v1::Fact::kArtifact:
      return FactBody(ArtifactFact{.kind = in.artifact().kind(),
                                   .step = in.artifact().step(),
                                   .file = Read(in.artifact().file())});
    case v1::Fact::kFinal:
      return Read(in.final());
    case v1::Fact::KIND_NOT_SET:
      break;
  }
  return InvalidArgument("empty fact");
}

Result<std::vector<WorkerMessage>> FromWire(const v1::SessionRequest& in) {
  return ReadAll<WorkerMessage>(in.items());
}

Result<std::vector<CoordinatorMessage>> FromWire(const v1::SessionResponse& in) {
  return ReadAll<CoordinatorMessage>(in.items());
}

}  // namespace fusor
