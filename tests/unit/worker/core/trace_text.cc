#include "tests/unit/worker/core/trace_text.h"

#include <sstream>

namespace fusor::agent {

std::string Text(TaskKey task) {
  const std::string attempt = std::to_string(task.attempt.value);
  return task.rank == 0 ? attempt : attempt + "." + std::to_string(task.rank);
}

namespace {

std::string Number(double value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

std::string Say(const std::vector<AttemptId>& ids) {
  std::string text = "[";
  for (const AttemptId id : ids) text += (text.size() > 1 ? " " : "") + std::to_string(id.value);
  return text + "]";
}

std::string Say(const Outcome& outcome) {
  std::string text;
  switch (outcome.kind) {
    case OutcomeKind::kSucceeded:
      text = "succeeded";
      break;
    case OutcomeKind::kReleased:
      text = "released";
      break;
    case OutcomeKind::kFailed:
      text = std::string(FailureName(outcome.failure)) + " code=" + std::to_string(outcome.code);
      break;
  }
  return outcome.detail.empty() ? text : text + " \"" + outcome.detail + "\"";
}

std::string Say(const StoredFile& file) { return file.name + "@" + file.sha256; }

struct FactText {
  std::string operator()(const ProgressFact& fact) const {
    return "progress " + std::to_string(fact.step) + "/" + std::to_string(fact.steps) + " " +
           fact.phase;
  }
  std::string operator()(const StartedFact& fact) const {
    return "started from=" + std::to_string(fact.resumed_from_step) +
           " precision=" + fact.precision_used;
  }
  std::string operator()(const MetricsFact& fact) const {
    std::string text = "metrics";
    for (std::size_t i = 0; i < fact.names.size(); ++i) {
      text += " " + fact.names[i] + "={";
      for (std::size_t j = 0; j < fact.steps.size(); ++j) {
        text +=
            (j > 0 ? " " : "") + std::to_string(fact.steps[j]) + ":" + Number(fact.values[i][j]);
      }
      text += "}";
    }
    return text;
  }
  std::string operator()(const LogFact& fact) const {
    std::string line = fact.text;
    while (line.ends_with('\n')) line.pop_back();
    return "log \"" + line + "\"";
  }
  std::string operator()(const EvaluationFact& fact) const {
    std::string text = "evaluation " + std::to_string(fact.step);
    for (const auto& [name, value] : fact.values) text += " " + name + "=" + Number(value);
    return text;
  }
  std::string operator()(const CheckpointFact& fact) const {
    std::string text = "checkpoint " + std::to_string(fact.step);
    for (const StoredFile& file : fact.files) text += " " + Say(file);
    return text;
  }
  std::string operator()(const ArtifactFact& fact) const {
    return "artifact " + fact.kind + " " + std::to_string(fact.step) + " " + Say(fact.file);
  }
  std::string operator()(const FinalFact& fact) const {
    std::string text = "final " + Say(fact.outcome) + " step=" + std::to_string(fact.step) +
                       " ran=" + std::to_string(fact.running_ms);
    for (const std::string& line : fact.log_tail) text += " |" + line;
    return text;
  }
};

std::string Say(const Fact& fact) {
  return "#" + std::to_string(fact.number) + " " + std::visit(FactText{}, fact.body);
}

struct EffectText {
  std::string operator()(const SpoolAppend& e) const {
    return "append " + Text(e.task) + " " + Say(e.fact);
  }
  std::string operator()(const SpoolSync& e) const { return "sync " + Text(e.task); }
  std::string operator()(const SpoolTrim& e) const {
    return "trim " + Text(e.task) + " " + std::to_string(e.number);
  }
  std::string operator()(const SpoolDrop& e) const { return "drop " + Text(e.task); }
  std::string operator()(const SaveIdentity& e) const {
    return "save cluster=" + e.cluster_id + " generation=" + std::to_string(e.generation);
  }

  std::string operator()(const HelloMessage& m) const {
    return "send hello cluster=" + m.cluster_id + " generation=" + std::to_string(m.generation) +
           " held=" + Say(m.held);
  }
  std::string operator()(const HeartbeatMessage& m) const {
    return "send heartbeat " + std::to_string(m.sequence) + " held=" + Say(m.held);
  }
  std::string operator()(const FactsMessage& m) const {
    std::string text = "send facts " + Text(TaskKey{m.attempt, m.rank});
    for (const Fact& fact : m.facts) text += " #" + std::to_string(fact.number);
    return text;
  }
  std::string operator()(const SlotMessage& m) const {
    return "send slot " + std::to_string(m.slot) +
           (m.condition == SlotCondition::kStuck ? " stuck \"" + m.reason + "\"" : " usable");
  }
  std::string operator()(const InfoMessage&) const { return "send info"; }
  std::string operator()(const LeavingMessage& m) const {
    return "send leaving \"" + m.reason + "\"";
  }

  std::string operator()(const FetchFiles& e) const { return "fetch " + Text(e.task); }
  std::string operator()(const FetchDataset& e) const {
    return "fetch_data " + Text(e.task) + " " + e.name;
  }
  std::string operator()(const StartProcess& e) const {
    return "start " + Text(e.task) + " slot=" + std::to_string(e.slot) +
           " rank=" + std::to_string(e.start.rank);
  }
  std::string operator()(const SendCommand& e) const {
    constexpr const char* kNames[] = {"checkpoint", "checkpoint_and_stop", "finish_early", "abort"};
    return "command " + Text(e.task) + " " + kNames[static_cast<int>(e.command)];
  }
  std::string operator()(const SignalTask& e) const {
    return "signal " + Text(e.task) + (e.signal == Signal::kKill ? " KILL" : " TERM");
  }
  std::string operator()(const HoldTask& e) const { return "hold " + Text(e.task); }
  std::string operator()(const ReleaseTask& e) const { return "release " + Text(e.task); }
  std::string operator()(const StartUpload& e) const {
    return "upload " + Text(e.task) + " staged=" + std::to_string(e.staged.value);
  }
  std::string operator()(const CancelUpload& e) const {
    return "cancel_upload " + Text(e.task) + " staged=" + std::to_string(e.staged.value);
  }
  std::string operator()(const DiscardStaged& e) const {
    return "discard " + Text(e.task) + " staged=" + std::to_string(e.staged.value);
  }
  std::string operator()(const RemoveAttemptDir& e) const { return "remove_dir " + Text(e.task); }
  std::string operator()(const ReadSpool& e) const {
    return "read " + Text(e.task) + " from #" + std::to_string(e.first_number);
  }
  std::string operator()(const CloseLink& e) const {
    return "close_link wait=" + std::to_string(e.wait.count());
  }
  std::string operator()(const Quit& e) const {
    return std::string("quit") + (e.failed ? " failed" : "") + " \"" + e.reason + "\"";
  }
  std::string operator()(const Note& e) const { return "note \"" + e.text + "\""; }
};

}  // namespace

std::vector<std::string> Lines(const Effects& effects) {
  std::vector<std::string> lines;
  for (const Persist& persist : effects.persists)
    lines.push_back(std::visit(EffectText{}, persist));
  for (const WorkerMessage& send : effects.sends) lines.push_back(std::visit(EffectText{}, send));
  for (const Action& action : effects.actions) lines.push_back(std::visit(EffectText{}, action));
  return lines;
}

}  // namespace fusor::agent
