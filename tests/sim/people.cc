#include "tests/sim/people.h"

#include <utility>

#include "coordinator/core/grid.h"
#include "tests/sim/coordinator_node.h"

namespace fusor::sim {

People::People(World& world) : world_(world), random_(Mix(world.plan().seed, 2)) {}

void People::Start() {
  for (std::size_t i = 0; i < world_.plan().sweeps.size(); ++i) {
    world_.clock().After(world_.plan().submit_at[i], [this, i] { Submit(i); });
  }
}

Request People::NextRequest(const std::string& what) {
  return {.call = {next_call_++},
          .request_id = what + std::to_string(next_request_++),
          .content_sha256 = what};
}

// Says the same until there is an answer: the request id makes that harmless.
void People::Submit(std::size_t index) {
  if (accepted_.contains(index)) return;
  const std::string id = "submit" + std::to_string(index);
  SubmitSweep event{.request = {.call = {next_call_++}, .request_id = id, .content_sha256 = id},
                    .spec = world_.plan().sweeps[index],
                    .source = id,
                    .overrides = {}};
  const CallId call = event.request.call;
  world_.coordinator().Call(std::move(event), call, [this, index](const Reply& reply) {
    if (!reply.status.ok()) {
      world_.oracle().Fail("sweeps-are-accepted", reply.status.ToString());
      return;
    }
    world_.oracle().OnSubmitAnswered(reply.sweep);
    const auto other = accepted_.find(index);
    if (other != accepted_.end() && other->second != reply.sweep) {
      world_.oracle().Fail("submitted-once", "request " + std::to_string(index));
    }
    accepted_[index] = reply.sweep;
  });
  world_.clock().After(Duration(5'000), [this, index] { Submit(index); });
}

void People::PauseOrResume(SweepId sweep) {
  const bool pause = random_.Chance(0.5);
  const Request request = NextRequest("pause");
  if (pause) {
    const bool now = random_.Chance(0.5);
    world_.coordinator().Call(PauseSweep{.request = request, .sweep = sweep, .now = now},
                              request.call, [](const Reply&) {});
  } else {
    world_.coordinator().Call(ResumeSweep{.request = request, .sweep = sweep}, request.call,
                              [](const Reply&) {});
  }
}

void People::Act() {
  const auto nothing = [](const Reply&) {};
  if (accepted_.empty()) return;
  const std::uint64_t which = random_.Below(accepted_.size());
  const SweepId sweep = std::next(accepted_.begin(), static_cast<std::ptrdiff_t>(which))->second;
  const std::uint64_t act = random_.Below(10);
  const Request request = NextRequest("act");
  if (act < 5) {
    PauseOrResume(sweep);
  } else if (act < 6) {
    world_.coordinator().Call(RetryTrials{.request = request, .sweep = sweep, .trials = {}},
                              request.call, nothing);
  } else if (act < 8) {
    const std::uint64_t index = 1 + random_.Below(world_.agents());
    const Duration until(static_cast<std::int64_t>(random_.Below(10'000)));
    world_.coordinator().Call(DrainWorker{.request = request,
                                          .worker = {index},
                                          .deadline = world_.clock().now() + until,
                                          .reason = "maintenance"},
                              request.call, nothing);
  } else if (act < 9) {
    const std::uint64_t index = 1 + random_.Below(world_.agents());
    world_.coordinator().Call(ResumeWorker{.request = request, .worker = {index}}, request.call,
                              nothing);
  } else if (random_.Chance(0.3)) {
    world_.coordinator().Call(CancelSweep{.request = request, .sweep = sweep, .reason = "enough"},
                              request.call, nothing);
  }
}

void People::EverySecond() {
  if (!world_.coordinator().alive()) return;
  if (!world_.healed()) {
    if (random_.Chance(world_.faults().person_acts)) Act();
    return;
  }
  // Quarantined slots, drained workers and paused sweeps are for people to put right.
  for (const auto& [index, sweep] : accepted_) {
    const auto row = world_.state().sweeps().find(sweep);
    if (row == world_.state().sweeps().end() || row->second.state != SweepState::kPaused) continue;
    const Request request = NextRequest("resume");
    world_.coordinator().Call(ResumeSweep{.request = request, .sweep = sweep}, request.call,
                              [](const Reply&) {});
  }
  for (const auto& [id, worker] : world_.state().workers()) {
    bool noted = worker.draining;
    for (const std::string& note : worker.slot_notes) noted |= !note.empty();
    if (!noted) continue;
    const Request request = NextRequest("resume");
    world_.coordinator().Call(ResumeWorker{.request = request, .worker = id}, request.call,
                              [](const Reply&) {});
  }
}

bool People::Done() const {
  if (accepted_.size() != world_.plan().sweeps.size()) return false;
  for (const auto& [index, sweep] : accepted_) {
    const auto row = world_.state().sweeps().find(sweep);
    if (row == world_.state().sweeps().end()) return false;
    if (row->second.state != SweepState::kFinished && row->second.state != SweepState::kCanceled) {
      return false;
    }
  }
  return true;
}

// Trials of open sweeps in no terminal state, with a row or without.
std::vector<TrialKey> People::OpenTrials() const {
  std::vector<TrialKey> open;
  for (const auto& [id, spec] : world_.specs()) {
    const SweepState state = world_.state().sweeps().at(id).state;
    if (state == SweepState::kFinished || state == SweepState::kCanceled) continue;
    for (std::uint32_t stage = 0; stage < spec->stages.size(); ++stage) {
      const Grid grid(spec->stages[stage]);
      for (std::uint64_t cell = 0; cell < grid.size(); ++cell) {
        const TrialKey key{.sweep = id, .stage = stage, .cell = cell};
        const auto row = world_.state().trials().find(key);
        const bool ended = row != world_.state().trials().end() && IsTerminal(row->second.state);
        if (grid.IsTrial(cell) && !ended) open.push_back(key);
      }
    }
  }
  return open;
}

std::string People::WhyNotSettled() const {
  std::string why;
  for (const auto& [index, sweep] : accepted_) {
    const auto row = world_.state().sweeps().find(sweep);
    if (row == world_.state().sweeps().end()) continue;
    why += "sweep " + std::to_string(sweep.value) + " is " + std::string(Name(row->second.state)) +
           "; ";
  }
  for (const TrialKey& key : OpenTrials()) {
    const auto trial = world_.state().trials().find(key);
    why += ToText(key);
    if (trial != world_.state().trials().end()) {
      why += " is " + std::string(Name(trial->second.state)) + " (" + trial->second.reason + ")";
    }
    for (const std::string& reason : world_.coordinator().Explain(key)) why += " [" + reason + "]";
    why += "; ";
  }
  for (std::size_t i = 0; i < world_.agents(); ++i) why += world_.DescribeAgent(i);
  return why;
}

}  // namespace fusor::sim
