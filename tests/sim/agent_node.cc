#include "tests/sim/agent_node.h"

#include <algorithm>
#include <utility>

#include "proto/session_convert.h"

namespace fusor::sim {

AgentNode::AgentNode(World& world, std::size_t index) : world_(world), index_(index) {}

void AgentNode::Start() {
  ++life_;
  ++disk_.incarnation;
  agent::AgentOptions options;
  options.info = world_.plan().workers[index_];
  options.info.incarnation = disk_.incarnation;
  options.cluster_id = disk_.cluster_id;
  options.generation = disk_.generation;
  std::vector<agent::RestoredTask> restored;
  for (const auto& [task, spool] : disk_.spools) {
    restored.push_back({.task = task,
                        .acknowledged = spool.acknowledged,
                        .last_number = spool.written,
                        .has_final = spool.has_final,
                        .tail_certain = spool.tail_certain});
  }
  agent_ = std::make_unique<agent::Agent>(std::move(options), restored, world_.clock().now());
  wake_at_ = kNever;
  ScheduleConnect(Duration(10));
  Post(agent::Tick{});
}

void AgentNode::Die() {
  if (!agent_) return;
  world_.Say(uid() + " dies");
  const bool machine_dies = world_.random().Chance(world_.faults().spool_loses_tail);
  for (auto& [task, spool] : disk_.spools) {
    if (!machine_dies || spool.written == spool.synced) continue;
    spool.facts.erase(spool.facts.upper_bound(spool.synced), spool.facts.end());
    spool.written = spool.synced;
    spool.has_final = !spool.facts.empty() &&
                      std::holds_alternative<FinalFact>(spool.facts.rbegin()->second.body);
    spool.tail_certain = false;
  }
  agent_.reset();
  ++life_;
  inbox_.clear();
  turn_asked_ = false;
  processes_.clear();
  if (stream_) world_.Break(stream_);
  stream_.reset();
  const Duration away(500 + static_cast<std::int64_t>(world_.random().Below(30'000)));
  world_.clock().After(away, [this] { Start(); });
}

bool AgentNode::Idle() const {
  return agent_ != nullptr && processes_.empty() && agent_->Held().empty() && inbox_.empty();
}

std::string AgentNode::Describe() const {
  if (Idle()) return "";
  if (!agent_) return uid() + " is down; ";
  std::string text = uid() + " runs";
  for (const auto& [task, process] : processes_) {
    text += " " + std::to_string(task.attempt.value) + (process.exited ? "(exited)" : "");
  }
  text += ", holds";
  for (const AttemptId id : agent_->Held()) text += " " + std::to_string(id.value);
  text += stream_ ? ", linked; " : ", no link; ";
  return text;
}

void AgentNode::After(Duration delay, std::function<void()> action) {
  world_.clock().After(delay, [this, life = life_, action = std::move(action)] {
    if (life == life_) action();
  });
}

void AgentNode::ScheduleConnect(Duration wait) {
  After(std::max(wait, Duration(10)), [this] {
    if (stream_) return;
    stream_ = world_.Connect(index_);
    if (stream_) {
      Post(agent::LinkUp{});
    } else {
      ScheduleConnect(Duration(500));
    }
  });
}

void AgentNode::OnBytes(const std::shared_ptr<Stream>& stream, const std::string& bytes) {
  if (!agent_ || stream != stream_) return;
  v1::SessionResponse wire;
  if (!wire.ParseFromString(bytes)) {
    world_.oracle().Fail("messages-parse", "to " + uid());
    return;
  }
  Result<std::vector<CoordinatorMessage>> messages = FromWire(wire);
  if (!messages.ok()) {
    world_.oracle().Fail("messages-make-sense", messages.status().message());
    return;
  }
  for (CoordinatorMessage& message : *messages) Post(agent::Received{std::move(message)});
}

void AgentNode::OnBroken(const std::shared_ptr<Stream>& stream) {
  if (!agent_ || stream != stream_) return;
  stream_.reset();
  Post(agent::LinkDown{});
  ScheduleConnect(Duration(200 + static_cast<std::int64_t>(world_.random().Below(2'000))));
}

void AgentNode::Post(agent::Event event) {
  inbox_.push_back(std::move(event));
  if (turn_asked_) return;
  turn_asked_ = true;
  After(Duration(static_cast<std::int64_t>(world_.random().Below(3))), [this] { Turn(); });
}

void AgentNode::Stop(Duration time) {
  if (!agent_) return;
  world_.Say(uid() + " stops for a while");
  stopped_until_ = world_.clock().now() + time;
}

void AgentNode::Turn() {
  if (!world_.healed() && stopped_until_ > world_.clock().now()) {
    After(Duration(1'000), [this] { Turn(); });
    return;
  }
  turn_asked_ = false;
  std::vector<agent::Event> events = std::move(inbox_);
  inbox_.clear();
  agent::Effects effects;
  const Time now = world_.clock().now();
  for (agent::Event& event : events) {
    world_.Trace(event.index());
    agent_->Apply(std::move(event), now, effects);
  }
  agent_->Pump(now, effects);
  Perform(effects);
  if (!agent_) return;
  const Time next = agent_->NextDeadline();
  if (next < wake_at_ || wake_at_ <= now) {
    wake_at_ = next;
    if (next != kNever) {
      After(next - now, [this] {
        if (wake_at_ <= world_.clock().now()) Post(agent::Tick{});
      });
    }
  }
}

void AgentNode::Perform(const agent::Effects& effects) {
  for (const agent::Persist& persist : effects.persists) {
    std::visit([this](const auto& what) { Do(what); }, persist);
  }
  if (stream_ && !effects.sends.empty()) {
    v1::SessionRequest wire;
    for (const WorkerMessage& message : effects.sends) AppendTo(wire, message);
    world_.SendUp(stream_, wire.SerializeAsString());
  }
  for (const agent::Action& action : effects.actions) {
    std::visit([this](const auto& what) { Do(what); }, action);
  }
}

void AgentNode::Do(const agent::SpoolAppend& what) {
  Spool& spool = disk_.spools[what.task];
  if (what.fact.number != spool.written + 1) {
    world_.oracle().Fail("facts-count-up", "fact " + std::to_string(what.fact.number) + " after " +
                                               std::to_string(spool.written));
  }
  if (spool.has_final) world_.oracle().Fail("final-is-last", uid());
  world_.oracle().OnFact(what.task.attempt, what.task.rank, what.fact);
  spool.facts[what.fact.number] = what.fact;
  spool.written = what.fact.number;
  spool.has_final |= std::holds_alternative<FinalFact>(what.fact.body);
}

void AgentNode::Do(const agent::SpoolSync& what) {
  After(Duration(static_cast<std::int64_t>(world_.random().Below(30))), [this, what] {
    const auto found = disk_.spools.find(what.task);
    if (found == disk_.spools.end()) return;
    found->second.synced = found->second.written;
    Post(agent::SpoolSynced{.task = what.task, .number = found->second.synced});
  });
}

void AgentNode::Do(const agent::SpoolTrim& what) {
  Spool& spool = disk_.spools[what.task];
  spool.acknowledged = std::max(spool.acknowledged, what.number);
  spool.facts.erase(spool.facts.begin(), spool.facts.upper_bound(what.number));
}

void AgentNode::Do(const agent::SpoolDrop& what) { disk_.spools.erase(what.task); }

void AgentNode::Do(const agent::SaveIdentity& what) {
  disk_.cluster_id = what.cluster_id;
  disk_.generation = what.generation;
}

void AgentNode::Do(const agent::FetchFiles& what) {
  const Duration time(5 + static_cast<std::int64_t>(world_.random().Below(500)));
  After(time, [this, what] {
    if (!world_.Reachable(index_)) {
      Post(agent::FetchFailed{.task = what.task, .status = Unavailable("coordinator away")});
      return;
    }
    for (const InputFiles& input : what.start.inputs) {
      for (const StoredFile& file : input.files) {
        if (!world_.blobs().contains(file.sha256)) {
          Post(agent::FetchFailed{.task = what.task, .status = NotFound(file.sha256)});
          return;
        }
      }
    }
    Post(agent::FetchDone{.task = what.task});
  });
}

void AgentNode::Do(const agent::FetchDataset& what) { Post(agent::DatasetHere{.task = what.task}); }

void AgentNode::Do(const agent::StartProcess& what) {
  const std::optional<TrialKey> trial = world_.ParseTrial(what.start.trial);
  if (!trial) {
    world_.oracle().Fail("trials-have-names", what.start.trial);
    return;
  }
  Process process;
  process.start = what.start;
  process.slot = what.slot;
  process.life = next_process_++;
  process.trial = *trial;
  process.plan = PlanOf(world_.plan(), *trial, what.start.number);
  if (world_.healed()) process.plan.fault = TrialFault::kNone;
  processes_[what.task] = std::move(process);
  const Duration time(2 + static_cast<std::int64_t>(world_.random().Below(50)));
  After(time, [this, task = what.task] {
    if (!processes_.contains(task)) return;
    if (world_.random().Chance(world_.faults().template_dies)) {
      const std::uint32_t slot = processes_.at(task).slot;
      processes_.erase(task);
      Post(agent::StartFailed{.task = task, .status = Unavailable("the template died")});
      Post(agent::SlotFreed{.slot = slot});
      return;
    }
    Post(agent::ProcessStarted{.task = task});
    BeginTrial(task);
  });
}

void AgentNode::Do(const agent::SendCommand& what) {
  const auto found = processes_.find(what.task);
  if (found == processes_.end() || found->second.exited) return;
  if (what.command == agent::Command::kAbort) Exit(what.task, false, 1);
  if (what.command == agent::Command::kCheckpointAndStop) found->second.stop_at_next_step = true;
}

void AgentNode::Do(const agent::SignalTask& what) {
  const auto found = processes_.find(what.task);
  if (found == processes_.end() || found->second.exited) return;
  if (what.signal == agent::Signal::kKill) {
    Exit(what.task, true, 9);
  } else {
    found->second.stop_at_next_step = true;
  }
}

void AgentNode::Do(const agent::HoldTask& what) {
  const auto found = processes_.find(what.task);
  if (found != processes_.end()) found->second.held = true;
}

void AgentNode::Do(const agent::ReleaseTask& what) {
  const auto found = processes_.find(what.task);
  if (found != processes_.end()) found->second.held = false;
}

void AgentNode::Do(const agent::StartUpload& what) {
  const Duration time(5 + static_cast<std::int64_t>(world_.random().Below(300)));
  After(time, [this, what] {
    const auto found = processes_.find(what.task);
    if (found == processes_.end()) return;
    const auto staged = found->second.staged.find(what.staged.value);
    if (staged == found->second.staged.end()) return;
    const bool fails = world_.random().Chance(world_.faults().upload_fails);
    if (fails || !world_.Reachable(index_)) {
      Post(agent::UploadFailed{
          .task = what.task, .staged = what.staged, .status = Unavailable("cut")});
      return;
    }
    const Staged& file = staged->second;
    const std::string sha = ToText(found->second.trial) + "@" + std::to_string(file.step) + ":" +
                            std::to_string(file.state);
    world_.blobs()[sha] = {
        .trial = found->second.start.trial, .step = file.step, .state = file.state};
    Post(agent::UploadDone{.task = what.task,
                           .staged = what.staged,
                           .files = {{.name = file.name, .sha256 = sha, .bytes = 8}}});
  });
}

void AgentNode::Do(const agent::CancelUpload& what) {
  const auto found = processes_.find(what.task);
  if (found != processes_.end()) found->second.staged.erase(what.staged.value);
}

void AgentNode::Do(const agent::DiscardStaged& what) {
  const auto found = processes_.find(what.task);
  if (found != processes_.end()) found->second.staged.erase(what.staged.value);
}

void AgentNode::Do(const agent::RemoveAttemptDir& what) {
  const auto found = processes_.find(what.task);
  if (found == processes_.end()) return;
  if (!found->second.exited) world_.oracle().Fail("directories-outlive-processes", uid());
  processes_.erase(found);
}

void AgentNode::Do(const agent::ReadSpool& what) {
  After(Duration(static_cast<std::int64_t>(world_.random().Below(5))), [this, what] {
    const auto found = disk_.spools.find(what.task);
    if (found == disk_.spools.end()) return;
    agent::SpoolRead read{.task = what.task, .facts = {}};
    for (auto it = found->second.facts.lower_bound(what.first_number);
         it != found->second.facts.end() && read.facts.size() < 16; ++it) {
      read.facts.push_back(it->second);
    }
    read.damaged = read.facts.empty();
    Post(std::move(read));
  });
}

void AgentNode::Do(const agent::CloseLink& what) {
  if (stream_) {
    const std::shared_ptr<Stream> stream = std::move(stream_);
    stream_.reset();
    world_.Break(stream);
    Post(agent::LinkDown{});
  }
  ScheduleConnect(what.wait);
}

void AgentNode::Do(const agent::Quit& what) {
  world_.oracle().Fail("agents-go-on", uid() + ": " + what.reason);
}

void AgentNode::Do(const agent::Note& what) { world_.Say(uid() + ": " + what.text); }

}  // namespace fusor::sim
