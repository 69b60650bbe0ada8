#pragma once

// What a seed decides: the machines, the sweeps, how often what goes wrong, and what each trial
// does.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/base/session.h"
#include "coordinator/core/spec.h"

namespace fusor::sim {

// Chances per occasion, drawn from the seed; some are zero in most worlds, so that faults meet in
// many combinations.
struct Faults {
  double stream_breaks = 0;     // per message
  double message_twice = 0;     // per message
  double coordinator_dies = 0;  // per turn, at a random point of it
  double commit_fails = 0;      // per commit: frozen for a while
  double agent_dies = 0;        // per agent and second
  double agent_stops = 0;       // per agent and second: its stream stays open, it says nothing
  double partition = 0;         // per agent and second: cut off for a while
  double upload_fails = 0;      // per upload
  double trial_faults = 0;      // per attempt: crash, hang, out of memory, exit
  double template_dies = 0;     // per start
  double spool_loses_tail = 0;  // per agent death: unsynced facts are gone
  double person_acts = 0;       // per second: pause, resume, drain, cancel a trial, retry
  Duration message_delay_max{20};
};

enum class TrialFault : std::uint8_t {
  kNone,
  kSignal,
  kExit,
  kException,
  kHang,
  kOutOfMemory,
  kDiverges
};

// What the attempt of a trial will do. The same trial computes the same numbers in every attempt.
struct TrialPlan {
  std::int64_t steps = 10;
  Duration step_time{100};
  std::int64_t checkpoint_every = 3;
  TrialFault fault = TrialFault::kNone;
  std::int64_t fault_step = 0;
};

struct WorldPlan {
  std::uint64_t seed = 0;
  Faults faults;
  std::vector<WorkerInfo> workers;
  std::vector<std::shared_ptr<const SweepSpec>> sweeps;
  std::vector<Duration> submit_at;
  Duration fault_phase{0};  // then everything heals
};

WorldPlan DrawWorld(std::uint64_t seed);

// Decided by (seed, trial, attempt number) alone. `healed` turns faults off.
TrialPlan PlanOf(const WorldPlan& world, const TrialKey& trial, std::uint32_t attempt_number);

// The metric of a trial at a step, and its state after it: what an undisturbed run would report.
double MetricAt(const WorldPlan& world, const TrialKey& trial, std::int64_t step);
std::uint64_t StateAfter(const WorldPlan& world, const TrialKey& trial, std::uint64_t state,
                         std::int64_t step);
std::uint64_t FinalState(const WorldPlan& world, const TrialKey& trial);

}  // namespace fusor::sim
