#include "coordinator/core/schedule.h"

#include <algorithm>

#include "coordinator/core/grant.h"
#include "coordinator/core/placement.h"
#include "coordinator/core/reservation.h"
#include "coordinator/core/sweeps.h"
#include "coordinator/core/trials.h"
#include "coordinator/core/waiting.h"

namespace fusor::core {

namespace {

const std::vector<WorkerId>& AvoidedBy(const Stage& stage, std::uint64_t cell) {
  static const std::vector<WorkerId> kNone;
  const Trial* trial = FindTrial(stage, cell);
  return trial == nullptr ? kNone : trial->avoid;
}

// Trials that were set aside get another look, as slots have come free.
void TakeBack(World& world) {
  for (auto& [key, demand] : world.demands) {
    for (ClassQueue* queue : demand->set_aside) {
      queue->ready.Merge(queue->set_aside);
      queue->set_aside.Clear();
      UpdateQueue(*queue);
    }
    demand->set_aside.clear();
  }
}

void Wake(World& world) {
  for (auto& [key, demand] : world.demands) {
    if (demand->waiting.empty()) continue;
    UpdateFits(world.fleet, *demand);
    const auto freed = [&](std::uint32_t group) { return world.fleet.groups()[group].freed; };
    if (demand->blocked) {
      demand->blocked = std::none_of(demand->fits.begin(), demand->fits.end(), freed);
    }
  }
}

// The demand whose first in line is served next; null when none can be.
DemandQueue* PickDemand(const std::vector<DemandQueue*>& active) {
  DemandQueue* best = nullptr;
  for (DemandQueue* demand : active) {
    if (demand->blocked || demand->waiting.empty()) continue;
    if (best == nullptr || demand->waiting.begin()->first < best->waiting.begin()->first) {
      best = demand;
    }
  }
  return best;
}

void GrantNext(Turn& turn, DemandQueue& demand, bool pack) {
  const auto [key, queue] = *demand.waiting.begin();
  const std::vector<WorkerId>& avoid = AvoidedBy(*queue->stage, key.cell);
  const bool elsewhere = !avoid.empty() && IsFeasible(turn.world.fleet, demand, avoid);
  static const std::vector<WorkerId> kNone;
  const auto placement = Place(turn.world.fleet, {demand, elsewhere ? avoid : kNone, pack});
  if (placement) {
    demand.gang_since = kNever;
    Grant(turn, *queue, key.cell, *placement);
    return;
  }
  if (elsewhere) {
    // It waits for another worker than those where it crashed; others need not wait for it.
    queue->ready.Erase(key.cell);
    queue->set_aside.Insert(key.cell);
    demand.set_aside.push_back(queue);
    UpdateQueue(*queue);
    return;
  }
  demand.blocked = true;
  if (demand.is_gang() && demand.gang_since == kNever && IsFeasible(turn.world.fleet, demand, {})) {
    demand.gang_since = turn.now;
  }
}

void ServeQueues(Turn& turn) {
  std::vector<DemandQueue*> active;
  bool pack = false;
  for (auto& [key, demand] : turn.world.demands) {
    if (demand->waiting.empty()) continue;
    pack = pack || demand->is_gang();
    if (!demand->blocked) active.push_back(demand.get());
  }
  while (DemandQueue* demand = PickDemand(active)) GrantNext(turn, *demand, pack);
}

}  // namespace

void ScheduleTurn(Turn& turn) {
  World& world = turn.world;
  FinishSweeps(turn);
  ForgetDemands(world);
  if (world.fleet.any_freed() || world.fleet.changes() != world.taken_back_changes) {
    TakeBack(world);
    world.taken_back_changes = world.fleet.changes();
  }
  // A grant that pins a data set's copy gives classes another demand: they get their look too.
  do {
    UpdateReordered(world);
    Wake(world);
    ServeReservations(turn);
    Wake(world);
    ServeQueues(turn);
  } while (!world.reordered.empty());
  world.fleet.ClearFreed();
  world.scheduled_at = turn.now;
}

}  // namespace fusor::core
