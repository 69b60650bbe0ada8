#include "coordinator/core/waiting.h"

#include <algorithm>

#include "common/base/check.h"
#include "coordinator/core/dependents.h"
#include "coordinator/core/trials.h"

namespace fusor::core {

namespace {

ClassQueue& ClassOf(Stage& stage, std::uint64_t cell) {
  return *stage.classes[stage.grid->ClassOf(cell)];
}

// Skips what was decided on meanwhile.
void AdvanceWalk(ClassQueue& queue) {
  while (queue.walk_next && queue.stage->states.Get(*queue.walk_next)) {
    queue.walk_next = queue.walk->Next(*queue.walk_next + 1);
  }
}

void LeaveQueue(ClassQueue& queue) {
  if (!queue.queued) return;
  queue.demand->waiting.erase(queue.key);
  queue.queued = false;
  if (!queue.demand->waiting.empty()) return;
  queue.demand->gang_since = kNever;
  // Slots that come free while nobody waits are not noted: who waits next has to look for himself.
  queue.demand->blocked = false;
}

}  // namespace

void NoteReordered(World& world, Sweep& sweep) {
  if (sweep.order_changed) return;
  sweep.order_changed = true;
  world.reordered.push_back(&sweep);
}

void NoteMayHaveFinished(World& world, Sweep& sweep) {
  if (sweep.check_finished) return;
  sweep.check_finished = true;
  world.to_finish.push_back(&sweep);
}

void AddReady(World& world, Stage& stage, std::uint64_t cell) {
  ClassOf(stage, cell).ready.Insert(cell);
  NoteReordered(world, *stage.sweep);
}

void RemoveReady(World& world, Stage& stage, std::uint64_t cell) {
  ClassQueue& queue = ClassOf(stage, cell);
  queue.ready.Erase(cell);
  queue.set_aside.Erase(cell);
  NoteReordered(world, *stage.sweep);
}

void AddDelayed(World& world, Trial& trial) {
  if (world.delayed.emplace(trial.ready_at, trial.row.key).second) ++trial.stage->sweep->delayed;
}

void RemoveDelayed(World& world, Trial& trial) {
  if (world.delayed.erase({trial.ready_at, trial.row.key}) > 0) --trial.stage->sweep->delayed;
}

std::optional<std::uint64_t> NextPending(ClassQueue& queue) {
  AdvanceWalk(queue);
  if (queue.ready.empty()) return queue.walk_next;
  const std::uint64_t ready = queue.ready.First();
  return queue.walk_next ? std::min(ready, *queue.walk_next) : ready;
}

void TakePending(ClassQueue& queue, std::uint64_t cell) {
  if (queue.ready.Erase(cell)) return;
  CHECK(queue.walk_next == cell);
  queue.walk_next = queue.walk->Next(cell + 1);
}

void RestartWalk(ClassQueue& queue) {
  if (queue.walk) queue.walk_next = queue.walk->Next(0);
}

void RequeueStage(Turn& turn, Stage& stage) {
  if (!stage.needs.empty()) {
    const auto& states = stage.states;
    for (auto cell = states.NextTouched(0); cell; cell = states.NextTouched(*cell + 1)) {
      const bool waits = states.Get(*cell) == TrialState::kReady;
      if (waits && FindTrial(stage, *cell) == nullptr) AddReady(turn.world, stage, *cell);
    }
  }
  for (const auto& [cell, trial] : stage.trials) {
    if (trial->row.state != TrialState::kReady) continue;
    if (trial->ready_at > turn.now) {
      AddDelayed(turn.world, *trial);
    } else {
      AddReady(turn.world, stage, cell);
    }
  }
  SettleStage(turn, stage);
}

bool MayStart(const Sweep& sweep) {
  return sweep.row.state == SweepState::kRunning &&
         (sweep.row.max_running == 0 || sweep.running < sweep.row.max_running);
}

int PriorityOf(const Stage& stage) {
  const bool own = stage.spec->priority != stage.sweep->spec->priority;
  return own ? stage.spec->priority : stage.sweep->row.priority;
}

void AssignDemand(World& world, ClassQueue& queue) {
  LeaveQueue(queue);
  if (queue.demand != nullptr) {
    std::erase(queue.demand->set_aside, &queue);
    queue.ready.Merge(queue.set_aside);
    --queue.demand->classes;
  }
  Demand demand{.requirement = queue.requirement};
  const auto& fingerprints = queue.stage->sweep->row.fingerprints;
  const auto pinned = fingerprints.find(queue.requirement.dataset);
  if (pinned != fingerprints.end()) demand.copy = pinned->second;
  auto& entry = world.demands[KeyOf(demand)];
  if (!entry) {
    entry = std::make_unique<DemandQueue>();
    entry->demand = std::move(demand);
  }
  queue.demand = entry.get();
  ++queue.demand->classes;
  NoteReordered(world, *queue.stage->sweep);
}

void UpdateQueue(ClassQueue& queue) {
  const Sweep& sweep = *queue.stage->sweep;
  const auto next = MayStart(sweep) ? NextPending(queue) : std::nullopt;
  if (!next) {
    LeaveQueue(queue);
    return;
  }
  const WaitKey key{-PriorityOf(*queue.stage), sweep.slots_in_use, sweep.row.id, queue.stage->index,
                    *next};
  if (queue.queued && queue.key == key) return;
  if (queue.queued) {
    // Keeps the map's node: a class moves in its queue at every grant.
    auto node = queue.demand->waiting.extract(queue.key);
    node.key() = key;
    queue.demand->waiting.insert(std::move(node));
  } else {
    queue.demand->waiting.emplace(key, &queue);
    queue.queued = true;
  }
  queue.key = key;
}

void UpdateReordered(World& world) {
  for (Sweep* sweep : world.reordered) {
    sweep->order_changed = false;
    for (const auto& stage : sweep->stages) {
      for (const auto& queue : stage->classes) UpdateQueue(*queue);
    }
  }
  world.reordered.clear();
}

void UpdateFits(const Fleet& fleet, DemandQueue& demand) {
  if (demand.fits_version == fleet.version()) return;
  demand.fits_version = fleet.version();
  demand.fits.clear();
  demand.blocked = false;
  demand.native_away = false;
  std::vector<std::uint32_t> fallback;
  for (std::uint32_t group = 0; group < fleet.groups().size(); ++group) {
    const SlotGroup& slots = fleet.groups()[group];
    if (slots.usable.empty() && slots.away.empty()) continue;
    const Match match = MatchOffer(demand.demand, slots.offer).match;
    if (slots.usable.empty()) {
      demand.native_away |= match == Match::kNative;
      continue;
    }
    if (match == Match::kNative) demand.fits.push_back(group);
    if (match == Match::kFallback) fallback.push_back(group);
  }
  // A worker that offers it may be back in a moment, say after a restart: results would be marked
  // for good.
  demand.native_away &= demand.fits.empty() && !fallback.empty();
  demand.fallback = demand.fits.empty() && !demand.native_away;
  if (demand.fallback) demand.fits = std::move(fallback);
  // Among equal devices those that have the data; where any device will do, the faster one first.
  const std::string& data = demand.demand.requirement.dataset;
  const auto has_data = [&](std::uint32_t group) {
    const DatasetInfo* dataset = FindDataset(fleet.groups()[group].offer.datasets, data);
    return dataset != nullptr && dataset->here();
  };
  if (!data.empty()) std::stable_partition(demand.fits.begin(), demand.fits.end(), has_data);
  std::stable_partition(demand.fits.begin(), demand.fits.end(),
                        [&](std::uint32_t group) { return fleet.groups()[group].offer.slot.gpu; });
}

void LeaveQueues(World& world, Sweep& sweep) {
  for (const auto& stage : sweep.stages) {
    for (const auto& queue : stage->classes) {
      LeaveQueue(*queue);
      std::erase(queue->demand->set_aside, queue.get());
      --queue->demand->classes;
    }
  }
  std::erase(world.reordered, &sweep);
  std::erase(world.to_finish, &sweep);
}

void ForgetDemands(World& world) {
  std::erase_if(world.demands, [](const auto& entry) { return entry.second->classes == 0; });
}

}  // namespace fusor::core
