#include "tests/unit/core/effect_text.h"

#include <sstream>

namespace fusor {

namespace {

std::string Key(const TrialKey& key) {
  return std::to_string(key.sweep.value) + "." + std::to_string(key.stage) + "." +
         std::to_string(key.cell);
}

// Nothing when the text is empty.
std::string Quoted(const std::string& name, const std::string& text) {
  return text.empty() ? "" : " " + name + "=\"" + text + "\"";
}

struct WriteText {
  std::ostringstream& out;

  void operator()(const PutSweep& row) const {
    out << "sweep " << row.id.value << " " << Name(row.state) << " priority=" << row.priority;
    if (row.max_running > 0) out << " max_running=" << row.max_running;
    if (row.releasing) out << " releasing";
    for (const auto& [data, print] : row.fingerprints) out << " data " << data << "=" << print;
  }
  void operator()(const RemoveSweep& row) const { out << "remove sweep " << row.id.value; }
  void operator()(const PutTrial& row) const {
    out << "trial " << Key(row.key) << " " << Name(row.state) << " " << row.name
        << " attempts=" << row.attempts;
    if (row.crashes > 0) out << " crashes=" << row.crashes;
    if (row.losses > 0) out << " losses=" << row.losses;
    if (row.failure != Failure::kNone) out << " failure=" << FailureName(row.failure);
    if (row.threads > 0) out << " threads=" << row.threads;
    if (row.has_objective) out << " objective=" << row.objective << "@" << row.objective_step;
    out << Quoted("reason", row.reason);
  }
  void operator()(const PutAttempt& row) const {
    out << "attempt " << row.id.value << " of " << Key(row.trial) << " number=" << row.number << " "
        << Name(row.state) << " on";
    for (const auto& [worker, slot] : row.slots) out << " " << worker.value << ":" << slot;
    if (row.state == AttemptState::kEnded || row.state == AttemptState::kLost) {
      const char* kinds[] = {"succeeded", "failed", "released"};
      out << " " << kinds[static_cast<int>(row.outcome)];
    }
    if (row.failure != Failure::kNone) out << " " << FailureName(row.failure);
    out << Quoted("detail", row.detail);
  }
  void operator()(const PutCursor& row) const {
    out << "cursor " << row.attempt.value << "/" << row.rank << " = " << row.number;
  }
  void operator()(const PutEvaluation& row) const {
    out << "evaluation " << row.attempt.value << " step=" << row.step << " " << row.name << "="
        << row.value;
  }
  void operator()(const PutArtifact& row) const {
    out << "artifact " << row.id.value << " of " << Key(row.trial) << " " << row.kind
        << " step=" << row.step << " " << row.file.name;
  }
  void operator()(const RemoveArtifact& row) const { out << "remove artifact " << row.id.value; }
  void operator()(const PutWorker& row) const {
    out << "worker " << row.id.value << " " << row.info.name << " " << row.state
        << Quoted("reason", row.reason);
    for (std::size_t i = 0; i < row.slot_notes.size(); ++i) {
      if (!row.slot_notes[i].empty()) out << " slot " << i << " " << row.slot_notes[i];
    }
  }
  void operator()(const PutEvent& row) const {
    out << "event " << row.id.value << " " << row.kind;
    if (row.sweep) out << " sweep=" << row.sweep.value;
    if (row.has_trial) out << " trial=" << Key(row.trial);
    if (row.attempt) out << " attempt=" << row.attempt.value;
    if (row.worker) out << " worker=" << row.worker.value;
    out << Quoted("detail", row.detail) << Quoted("reason", row.reason);
  }
  void operator()(const PutRequest& row) const {
    out << "request " << row.request_id << " sweep=" << row.sweep.value;
  }
};

struct MessageText {
  std::ostringstream& out;

  void operator()(const WelcomeMessage& message) const {
    out << "welcome " << message.cluster_id << " lease=" << message.lease_length.count() << "ms";
  }
  void operator()(const RefuseMessage& message) const { out << "refuse: " << message.detail; }
  void operator()(const RegisterAgainMessage&) const { out << "register again"; }
  void operator()(const StartMessage& message) const {
    out << "start " << message.attempt.value << " " << message.trial << " number=" << message.number
        << " slots=";
    for (const std::uint32_t slot : message.slots) out << slot << ",";
    out << " rank=" << message.rank << "/" << message.world;
    if (message.threads > 0) out << " threads=" << message.threads;
    if (message.resume) out << " resume=" << message.resume->step;
    for (const InputFiles& input : message.inputs) {
      out << " input=" << input.trial;
      for (const StoredFile& file : input.files) out << ":" << file.name;
    }
    out << " " << message.config;
  }
  void operator()(const StopMessage& message) const {
    const char* modes[] = {"abort", "checkpoint and stop", "drop"};
    out << "stop " << message.attempt.value << " " << modes[static_cast<int>(message.mode)]
        << Quoted("reason", message.reason);
  }
  void operator()(const AckMessage& message) const {
    out << "ack " << message.attempt.value << "/" << message.rank << " = " << message.number;
  }
  void operator()(const HeartbeatAckMessage&) const { out << "heartbeat ack"; }
};

struct SendText {
  std::ostringstream& out;

  void operator()(const SendToWorker& send) const {
    out << "to session " << send.session.value << ": ";
    std::visit(MessageText{out}, send.message);
  }
  void operator()(const CloseStream& close) const {
    out << "close session " << close.session.value << Quoted("reason", close.reason);
  }
  void operator()(const Reply& reply) const {
    out << "reply " << (reply.status.ok() ? "OK" : reply.status.ToString());
    if (reply.sweep) out << " sweep=" << reply.sweep.value;
    if (reply.count > 0) out << " count=" << reply.count;
  }
};

}  // namespace

std::string TextOf(const Write& write) {
  std::ostringstream out;
  std::visit(WriteText{out}, write);
  return "  write " + out.str();
}

std::string TextOf(const Send& send) {
  std::ostringstream out;
  std::visit(SendText{out}, send);
  return "  send " + out.str();
}

}  // namespace fusor
