// The simulated trial processes of an agent: scripts that compute the same numbers in every
// attempt.

#include <utility>

#include "tests/sim/agent_node.h"

namespace fusor::sim {

void AgentNode::BeginTrial(TaskKey task) {
  Process& process = processes_.at(task);
  for (const InputFiles& input : process.start.inputs) {
    const std::optional<TrialKey> trial = world_.ParseTrial(input.trial);
    if (!trial) {
      world_.oracle().Fail("trials-have-names", input.trial);
      return;
    }
    if (input.files.empty()) world_.oracle().Fail("inputs-have-files", input.trial);
    for (const StoredFile& file : input.files) {
      world_.oracle().OnInputRead(*trial, world_.blobs().at(file.sha256).state);
    }
  }
  StartedFact started{.resumed_from_step = -1, .info = {}};
  if (process.start.resume) {
    const Blob& blob = world_.blobs().at(process.start.resume->files.at(0).sha256);
    process.step = blob.step;
    process.state = blob.state;
    started.resumed_from_step = blob.step;
  }
  Post(agent::Reported{.task = task, .body = std::move(started)});
  After(process.plan.step_time, [this, task, life = process.life] { Step(task, life); });
}

// Whether the attempt ends here by its planned fault.
bool AgentNode::Fault(TaskKey task, Process& process) {
  if (process.plan.fault == TrialFault::kNone || process.step < process.plan.fault_step)
    return false;
  switch (process.plan.fault) {
    case TrialFault::kSignal:
      Exit(task, true, 11);
      return true;
    case TrialFault::kExit:
      Exit(task, false, 3);
      return true;
    case TrialFault::kException:
      Post(agent::FailureReported{
          .task = task, .failure = Failure::kCrashedException, .detail = "x"});
      Exit(task, false, 1);
      return true;
    case TrialFault::kOutOfMemory:
      Post(agent::FailureReported{
          .task = task, .failure = Failure::kOutOfMemoryHost, .detail = "x"});
      Exit(task, false, 1);
      return true;
    case TrialFault::kDiverges:
      Post(agent::FailureReported{.task = task, .failure = Failure::kDiverged, .detail = "x"});
      Exit(task, false, 1);
      return true;
    case TrialFault::kHang:
      process.hangs = true;
      return true;
    case TrialFault::kNone:
      break;
  }
  return false;
}

void AgentNode::Step(TaskKey task, std::uint64_t life) {
  const auto found = processes_.find(task);
  if (found == processes_.end() || found->second.life != life || found->second.exited) return;
  Process& process = found->second;
  const auto again = [this, task, life] { Step(task, life); };
  if (process.held) {
    After(Duration(200), again);
    return;
  }
  if (Fault(task, process)) return;
  if (process.stop_at_next_step) {
    Stage(task, process, "checkpoint", "state");
    Finish(task, process, OutcomeKind::kReleased);
    return;
  }
  if (process.step < process.plan.steps) {
    ++process.step;
    process.state = StateAfter(world_.plan(), process.trial, process.state, process.step);
    Post(agent::Reported{
        .task = task,
        .body = ProgressFact{.step = process.step, .steps = process.plan.steps, .phase = "train"}});
    Post(agent::Reported{
        .task = task,
        .body = MetricsFact{.names = {"train/loss"},
                            .steps = {process.step},
                            .values = {{MetricAt(world_.plan(), process.trial, process.step)}}}});
    if (process.step % process.plan.checkpoint_every == 0) {
      Evaluate(task, process);
      Stage(task, process, "checkpoint", "state");
    }
    After(process.plan.step_time, again);
    return;
  }
  Evaluate(task, process);
  Stage(task, process, "model", "best/model");
  Stage(task, process, "model", "last/model");
  Finish(task, process, OutcomeKind::kSucceeded);
}

void AgentNode::Evaluate(TaskKey task, const Process& process) {
  Post(agent::Reported{
      .task = task,
      .body = EvaluationFact{.step = process.step,
                             .values = {{"val/loss", static_cast<double>(process.state >> 32)}}}});
}

void AgentNode::Stage(TaskKey task, Process& process, const std::string& kind,
                      const std::string& name) {
  const StagedId id{process.next_staged++};
  process.staged[id.value] = {.step = process.step, .name = name, .state = process.state};
  if (kind == "checkpoint") {
    Post(agent::CheckpointReported{.task = task, .staged = id, .step = process.step});
  } else {
    Post(agent::ArtifactReported{
        .task = task, .staged = id, .kind = kind, .name = name, .step = process.step});
  }
}

void AgentNode::Finish(TaskKey task, Process& process, OutcomeKind kind) {
  Post(agent::FinalReported{.task = task, .kind = kind, .step = process.step});
  Exit(task, false, 0);
}

void AgentNode::Exit(TaskKey task, bool signaled, int code) {
  Process& process = processes_.at(task);
  process.exited = true;
  Post(agent::ProcessExited{.task = task, .signaled = signaled, .code = code});
  const Duration time(1 + static_cast<std::int64_t>(world_.random().Below(20)));
  After(time, [this, slot = process.slot] { Post(agent::SlotFreed{.slot = slot}); });
}

}  // namespace fusor::sim
