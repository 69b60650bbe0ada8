#include "tests/unit/worker/core/trace_runner.h"

#include <algorithm>
#include <sstream>

#include "tests/unit/worker/core/trace_text.h"

namespace fusor::agent {

namespace {

std::uint64_t ToNumber(const std::string& word) { return std::stoull(word); }

TaskKey ToTask(const std::string& word) {
  const std::size_t dot = word.find('.');
  TaskKey key{AttemptId{ToNumber(word.substr(0, dot))}, 0};
  if (dot != std::string::npos)
    key.rank = static_cast<std::uint32_t>(ToNumber(word.substr(dot + 1)));
  return key;
}

// The value of "key=value" among the words, or `otherwise`.
std::string Value(const std::vector<std::string>& words, const std::string& key,
                  const std::string& otherwise) {
  for (const std::string& word : words) {
    if (word.starts_with(key + "=")) return word.substr(key.size() + 1);
  }
  return otherwise;
}

std::string Rest(const std::vector<std::string>& words, std::size_t from) {
  std::string text;
  for (std::size_t i = from; i < words.size(); ++i) text += (i > from ? " " : "") + words[i];
  return text;
}

RefuseReason ToReason(const std::string& word) {
  if (word == "other_stream") return RefuseReason::kOtherStreamLives;
  if (word == "older") return RefuseReason::kOlderIncarnation;
  if (word == "other_cluster") return RefuseReason::kOtherCluster;
  if (word == "other_generation") return RefuseReason::kOtherGeneration;
  if (word == "full") return RefuseReason::kFull;
  return RefuseReason::kProtocol;
}

StartMessage ToStart(const std::vector<std::string>& words) {
  StartMessage start;
  start.attempt = ToTask(words[1]).attempt;
  start.trial = "1.stage." + words[1];
  start.precision_used = "bf16";
  start.dataset = Value(words, "data", "");
  std::istringstream slots(Value(words, "slots", "0"));
  for (std::string slot; std::getline(slots, slot, ',');) {
    start.slots.push_back(static_cast<std::uint32_t>(ToNumber(slot)));
  }
  start.rank = static_cast<std::uint32_t>(ToNumber(Value(words, "rank", "0")));
  start.world = start.rank + static_cast<std::uint32_t>(start.slots.size());
  start.hang_timeout = Duration(ToNumber(Value(words, "hang", "0")));
  start.time_left = Duration(ToNumber(Value(words, "time", "0")));
  const std::string resume = Value(words, "resume", "");
  if (!resume.empty()) {
    start.resume = CheckpointFact{.step = static_cast<std::int64_t>(ToNumber(resume)),
                                  .files = {{.name = "state", .sha256 = "aa", .bytes = 1}}};
  }
  return start;
}

}  // namespace

std::string TraceRunner::Run(const std::string& trace) {
  out_.clear();
  std::istringstream in(trace);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("<")) continue;
    out_ += line + "\n";
    if (!line.starts_with("> ")) continue;
    std::istringstream text(line.substr(2));
    Words words;
    for (std::string word; text >> word;) words.push_back(word);
    Command(words);
  }
  return out_;
}

void TraceRunner::Command(const Words& words) {
  if (words[0] == "restart") return Restart(words);
  if (words[0] == "at") {  // at 1500: time passes until then, with no event
    now_ = FromUnixMillis(static_cast<std::int64_t>(ToNumber(words[1])));
    return;
  }
  if (words[0] == "deadline") {
    const Time next = agent_->NextDeadline();
    out_ += "< deadline " + (next == kNever ? "never" : std::to_string(ToUnixMillis(next))) + "\n";
    return;
  }
  for (const auto& event :
       {LinkEvent(words), ProcessEvent(words), ReportEvent(words), FileEvent(words)}) {
    if (event) return Apply(*event);
  }
  out_ += "< unknown command\n";
}

// restart [slots=N] [cluster=C] [generation=N] [tail=lost] : the agent starts with what its spool
// holds.
void TraceRunner::Restart(const Words& words) {
  AgentOptions options;
  options.info.uid = "w1";
  const std::uint64_t slots = ToNumber(Value(words, "slots", "2"));
  for (std::uint32_t i = 0; i < slots; ++i) options.info.slots.push_back({.index = i});
  if (const std::string fetches = Value(words, "fetches", ""); !fetches.empty()) {
    options.info.datasets = {{.name = fetches, .fingerprint = "", .archive = "md5:1"}};
  }
  options.cluster_id = Value(words, "cluster", "");
  options.generation = ToNumber(Value(words, "generation", "0"));
  std::vector<RestoredTask> restored;
  for (const auto& [key, facts] : spool_) {
    restored.push_back({.task = key,
                        .acknowledged = facts.front().number - 1,
                        .last_number = facts.back().number,
                        .has_final = std::holds_alternative<FinalFact>(facts.back().body),
                        .tail_certain = Value(words, "tail", "") != "lost"});
  }
  agent_ = std::make_unique<Agent>(std::move(options), restored, now_);
}

std::optional<Event> TraceRunner::LinkEvent(const Words& words) const {
  const std::string& what = words[0];
  if (what == "tick") return Tick{};
  if (what == "link_up") return LinkUp{};
  if (what == "link_down") return LinkDown{};
  if (what == "welcome") {
    return Received{WelcomeMessage{.cluster_id = words[1],
                                   .generation = ToNumber(words[2]),
                                   .lease_length = Duration(15'000),
                                   .heartbeat_every = Duration(3'000)}};
  }
  if (what == "refuse") return Received{RefuseMessage{ToReason(words[1]), "because"}};
  if (what == "register_again") return Received{RegisterAgainMessage{}};
  if (what == "start") return Received{ToStart(words)};
  if (what == "stop") {
    const StopMode mode = words[2] == "drop"      ? StopMode::kDrop
                          : words[2] == "release" ? StopMode::kCheckpointAndStop
                                                  : StopMode::kAbort;
    return Received{StopMessage{ToTask(words[1]).attempt, mode, Rest(words, 3)}};
  }
  if (what == "ack") {
    const TaskKey task = ToTask(words[1]);
    return Received{AckMessage{task.attempt, task.rank, ToNumber(words[2])}};
  }
  if (what == "shutdown") return ShutdownRequested{Rest(words, 1)};
  return std::nullopt;
}

std::optional<Event> TraceRunner::ProcessEvent(const Words& words) const {
  const std::string& what = words[0];
  if (what == "started") return ProcessStarted{ToTask(words[1])};
  if (what == "start_failed") return StartFailed{ToTask(words[1]), Unavailable(Rest(words, 2))};
  if (what == "exit") {  // exit 7 0 | exit 7 sig 9 | exit 7 oom
    ProcessExited event{.task = ToTask(words[1])};
    event.oom_killed = words[2] == "oom";
    event.signaled = words[2] == "sig" || event.oom_killed;
    event.code = event.oom_killed ? 9 : static_cast<int>(ToNumber(words.back()));
    return event;
  }
  if (what == "memory") return MemoryExceeded{ToTask(words[1]), Rest(words, 2)};
  if (what == "freed") return SlotFreed{static_cast<std::uint32_t>(ToNumber(words[1]))};
  return std::nullopt;
}

std::optional<Event> TraceRunner::ReportEvent(const Words& words) const {
  const std::string& what = words[0];
  const auto step = [&words](std::size_t at) {
    return static_cast<std::int64_t>(ToNumber(words[at]));
  };
  if (what == "progress") {
    return Reported{ToTask(words[1]),
                    ProgressFact{.step = step(2), .steps = 100, .phase = "train"}};
  }
  if (what == "says_started") return Reported{ToTask(words[1]), StartedFact{}};
  if (what == "metrics") {  // metrics 7 9 10 11: a point at each step
    MetricsFact fact{.names = {"loss"}, .values = {{}}};
    for (std::size_t i = 2; i < words.size(); ++i) {
      fact.steps.push_back(step(i));
      fact.values[0].push_back(0.5);
    }
    return Reported{ToTask(words[1]), fact};
  }
  if (what == "log") return Reported{ToTask(words[1]), LogFact{.text = Rest(words, 2) + "\n"}};
  if (what == "evaluation") {
    return Reported{ToTask(words[1]), EvaluationFact{.step = step(2), .values = {{"acc", 0.25}}}};
  }
  if (what == "failure") {
    return FailureReported{ToTask(words[1]), *FailureFromName(words[2]), Rest(words, 3)};
  }
  if (what == "final") {
    const OutcomeKind kind =
        words[2] == "released" ? OutcomeKind::kReleased : OutcomeKind::kSucceeded;
    return FinalReported{ToTask(words[1]), kind, step(3)};
  }
  return std::nullopt;
}

std::optional<Event> TraceRunner::FileEvent(const Words& words) const {
  const std::string& what = words[0];
  const auto staged = [&words] { return StagedId{ToNumber(words[2])}; };
  if (what == "checkpoint") {
    return CheckpointReported{ToTask(words[1]), staged(),
                              static_cast<std::int64_t>(ToNumber(words[3]))};
  }
  if (what == "artifact") {
    return ArtifactReported{ToTask(words[1]), staged(), "model", words[3], 5};
  }
  if (what == "uploaded") {
    return UploadDone{ToTask(words[1]), staged(), {{.name = words[3], .sha256 = "f" + words[2]}}};
  }
  if (what == "upload_failed") {
    return UploadFailed{ToTask(words[1]), staged(),
                        words[3] == "for_now" ? Unavailable("no link") : NotFound("no such file")};
  }
  if (what == "fetched") return FetchDone{ToTask(words[1])};
  if (what == "fetch_failed") {
    return FetchFailed{ToTask(words[1]),
                       words[2] == "for_now" ? Unavailable("no link") : DataLoss("wrong sha256")};
  }
  if (what == "data_progress") return DatasetProgress{ToTask(words[1]), "fetch " + words[2]};
  if (what == "data_here") return DatasetHere{ToTask(words[1])};
  if (what == "data_failed") return DatasetFailed{ToTask(words[1]), Unavailable("no network")};
  if (what == "synced") return SpoolSynced{ToTask(words[1]), ToNumber(words[2])};
  if (what == "damaged") return SpoolRead{.task = ToTask(words[1]), .damaged = true};
  if (what == "read") {  // read 7 3: the spool's facts from number 3 on
    SpoolRead read{.task = ToTask(words[1])};
    const auto found = spool_.find(read.task);
    if (found == spool_.end()) return read;
    for (const Fact& fact : found->second) {
      if (fact.number >= ToNumber(words[2])) read.facts.push_back(fact);
    }
    return read;
  }
  if (what == "level") {
    constexpr const char* kNames[] = {"ok", "thin10", "thin100", "reserve", "full"};
    const auto at = std::find(std::begin(kNames), std::end(kNames), words[1]);
    return SpoolLevelChanged{static_cast<SpoolLevel>(at - std::begin(kNames))};
  }
  return std::nullopt;
}

void TraceRunner::Apply(Event event) {
  Effects effects;
  agent_->Apply(std::move(event), now_, effects);
  agent_->Pump(now_, effects);
  for (const Persist& persist : effects.persists) {
    if (const auto* append = std::get_if<SpoolAppend>(&persist)) {
      spool_[append->task].push_back(append->fact);
    } else if (const auto* drop = std::get_if<SpoolDrop>(&persist)) {
      spool_.erase(drop->task);
    } else if (const auto* trim = std::get_if<SpoolTrim>(&persist)) {
      std::erase_if(spool_[trim->task], [&](const Fact& f) { return f.number <= trim->number; });
    }
  }
  Emit(effects);
}

void TraceRunner::Emit(const Effects& effects) {
  for (const std::string& line : Lines(effects)) out_ += "<   " + line + "\n";
}

}  // namespace fusor::agent
