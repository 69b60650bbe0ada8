#include "coordinator/server/watch_sweep.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "coordinator/server/convert.h"
#include "coordinator/server/sweep_convert.h"

namespace fusor {

namespace {

constexpr std::size_t kEventsPerMessage = 1'000;
constexpr std::chrono::milliseconds kStatusEvery{
    950};  // less than the hub's tick, or every second one is missed
constexpr std::size_t kRunningShown = 1'000;
// Beyond this the objective of what runs is left out: it costs a look-up each.
constexpr std::size_t kObjectivesShown = 200;

// A figure that the agent samples, as a mean over its interval; `missing` when it never came.
double Figure(const LiveAttempt& live, const std::string& name, double missing) {
  const auto found = live.system.find(name + "/mean");
  return found == live.system.end() ? missing : found->second;
}

// 0 to 1; negative when it is not known. The agent counts a core as 100 %.
double Utilisation(const LiveAttempt& live, bool gpu, int cpus) {
  const double percent = Figure(live, gpu ? "gpu_percent" : "cpu_percent", -1);
  if (percent < 0) return -1;
  return std::min(1.0, percent / 100 / (gpu ? 1 : cpus));
}

void AddSlots(const PutAttempt& attempt, const WorkerView& worker, const LiveAttempt& live,
              v1::WatchSweepResponse& response) {
  for (const auto& [id, slot] : attempt.slots) {
    if (id != worker.id) continue;
    v1::SlotUse& use = *response.add_slots();
    use.set_worker(worker.info.name);
    use.set_slot(slot);
    use.set_attempt(attempt.id.value);
    const SlotInfo* info = nullptr;
    for (const SlotInfo& each : worker.info.slots) {
      if (each.index == slot) info = &each;
    }
    const bool gpu = info != nullptr && info->gpu;
    if (info != nullptr) {
      use.set_device(gpu ? info->device_name : "cpu x" + std::to_string(info->cpus));
      use.set_memory_gib(gpu ? info->device_memory_gib : info->memory_gib);
    }
    use.set_utilisation(Utilisation(live, gpu, info == nullptr ? 1 : std::max(1, info->cpus)));
    use.set_memory_used_gib(Figure(live, gpu ? "gpu_memory_gib" : "memory_gib", 0));
    use.set_temperature_celsius(Figure(live, "gpu_celsius", 0));
    use.set_power_watts(Figure(live, "gpu_watts", 0));
  }
}

void Fill(const PutAttempt& attempt, const LiveAttempt& live, v1::RunningTrial& out) {
  *out.mutable_trial() = ToWire(attempt.trial);
  out.set_attempt(attempt.id.value);
  out.set_number(attempt.number);
  for (const auto& [worker, slot] : attempt.slots) out.add_slots(slot);
  *out.mutable_started() = ToWire(attempt.started == kNever ? attempt.granted : attempt.started);
  out.set_step(live.progress.step);
  out.set_steps(live.progress.steps);
  out.set_epoch(live.progress.epoch);
  out.set_phase(attempt.state == AttemptState::kGranted && live.progress.phase.empty()
                    ? "starting"
                    : live.progress.phase);
  out.set_steps_per_second(live.steps_per_second);
}

}  // namespace

std::string SweepWatch::NameOf(const TrialKey& trial) {
  const auto model = edge_.specs->Get(trial.sweep, *edge_.readers->state);
  if (!model.ok() || trial.stage >= (*model)->grids.size()) return "";
  return (*model)->grid(trial.stage).NameOf(trial.cell);
}

Result<bool> SweepWatch::AddEvents(const WatchRound& round, v1::WatchSweepResponse& response,
                                   bool& moved) {
  if (round.committed <= place_) return false;
  if (live_ && round.committed.value - place_.value > limits::kWatchQueueMax) {
    response.set_resync(true);
    place_ = round.committed;
    moved = true;
    return true;
  }
  std::optional<SweepId> sweep;
  if (sweep_) sweep = sweep_;
  const Result<std::vector<PutEvent>> events =
      edge_.readers->state->Events(sweep, place_, kEventsPerMessage);
  if (!events.ok()) return events.status();
  for (const PutEvent& event : *events) {
    moved = moved || !event.has_trial;
    v1::Event& out = *response.add_events() = ToWire(event);
    if (event.has_trial) out.set_trial_name(NameOf(event.trial));
    place_ = event.id;
  }
  if (events->size() < kEventsPerMessage) {
    place_ = std::max(place_, round.committed);
    live_ = true;
  }
  return !events->empty();
}

Status SweepWatch::AddRunning(const std::vector<PutAttempt>& attempts, const SweepModel& model,
                              v1::WatchSweepResponse& response) {
  std::map<WorkerId, WorkerView> workers;
  RETURN_IF_ERROR(AskCore(edge_, [&](const Core& core, Time) {
    for (WorkerView& worker : core.View().workers) workers[worker.id] = std::move(worker);
  }));
  for (const PutAttempt& attempt : attempts) {
    if (attempt.trial.stage >= model.grids.size()) continue;
    if (static_cast<std::size_t>(response.running_size()) >= kRunningShown) break;
    const LiveAttempt live = edge_.live->Find(attempt.id).value_or(LiveAttempt{});
    v1::RunningTrial& running = *response.add_running();
    Fill(attempt, live, running);
    running.set_name(model.grid(attempt.trial.stage).NameOf(attempt.trial.cell));
    const auto worker = workers.find(attempt.worker);
    if (worker != workers.end()) {
      running.set_worker(worker->second.info.name);
      AddSlots(attempt, worker->second, live, response);
    }
    if (attempts.size() > kObjectivesShown) continue;
    const auto row = edge_.readers->state->FindTrial(attempt.trial);
    if (!row.ok() || !*row || !(*row)->has_objective) continue;
    running.set_has_objective(true);
    running.set_objective((*row)->objective);
  }
  return Ok();
}

Status SweepWatch::AddStatus(v1::WatchSweepResponse& response) {
  if (!sweep_) return Ok();
  const Result<SweepStatus> status = statuses_.Read(sweep_);
  if (!status.ok()) return status.status();
  *response.mutable_sweep() = ToWire(*status);
  const Result<std::vector<PutAttempt>> attempts = edge_.readers->state->LiveAttempts(sweep_);
  if (!attempts.ok()) return attempts.status();
  // While the core cannot be asked, the rest is still worth showing.
  (void)AddRunning(*attempts, *status->model, response);
  return Ok();
}

Result<WatchNews> SweepWatch::Next(const WatchRound& round, v1::WatchSweepResponse& response) {
  if (!std::exchange(checked_, true) && sweep_) {
    const Result<PutSweep> row = edge_.readers->state->GetSweep(sweep_);
    if (!row.ok()) return row.status();
  }
  bool moved = false;
  const Result<bool> events = AddEvents(round, response, moved);
  if (!events.ok()) return events.status();
  const bool due = round.time - told_ >= kStatusEvery;
  if (due || (moved && live_)) {
    told_ = round.time;
    RETURN_IF_ERROR(AddStatus(response));
  } else if (!*events) {
    return WatchNews::kNothing;
  }
  response.set_cursor(place_.value);
  return WatchNews::kMessage;
}

}  // namespace fusor
