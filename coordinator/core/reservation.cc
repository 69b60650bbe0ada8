#include "coordinator/core/reservation.h"

#include <algorithm>
#include <set>

#include "coordinator/core/grant.h"
#include "coordinator/core/placement.h"

namespace fusor::core {

namespace {

bool SharesGroup(const DemandQueue& a, const DemandQueue& b) {
  return std::any_of(a.fits.begin(), a.fits.end(), [&](std::uint32_t group) {
    return std::find(b.fits.begin(), b.fits.end(), group) != b.fits.end();
  });
}

void LetGo(Turn& turn, DemandQueue& demand) {
  if (demand.reservation == 0) return;
  for (const WorkerId target : demand.targets) {
    Worker* worker = turn.world.fleet.Find(target);
    for (std::uint32_t position = 0; position < worker->slots.size(); ++position) {
      if (worker->slots[position].reserved_by != demand.reservation) continue;
      turn.world.fleet.DropReservation(*worker, position);
    }
  }
  demand.reservation = 0;
}

bool IsDue(const World& world, const DemandQueue& demand, Time now) {
  return demand.is_gang() && !demand.waiting.empty() && demand.gang_since != kNever &&
         demand.gang_since + world.options.gang_patience <= now;
}

// Somebody of higher priority waits for slots of the same groups.
bool Outranked(const World& world, const DemandQueue& demand) {
  const int rank = demand.waiting.begin()->first.negative_priority;
  for (const auto& [key, other] : world.demands) {
    if (other.get() == &demand || other->waiting.empty()) continue;
    if (other->waiting.begin()->first.negative_priority < rank && SharesGroup(demand, *other)) {
      return true;
    }
  }
  return false;
}

// The workers to wait for: those already chosen while they can still host the gang, else the ones
// where most is free.
void ChooseTargets(const Fleet& fleet, DemandQueue& demand) {
  const GangShape shape = ShapeOf(demand.demand.requirement.resources);
  const auto usable = UsableFor(fleet, demand);
  const auto can_host = [&](WorkerId worker) {
    const auto found = usable.find(worker);
    return found != usable.end() && found->second >= std::max(shape.per_worker, 1);
  };
  std::erase_if(demand.targets, [&](WorkerId worker) { return !can_host(worker); });
  const auto free = FreeFor(fleet, demand);
  std::vector<std::pair<int, WorkerId>> order;
  for (const auto& [worker, count] : usable) {
    const auto found = free.find(worker);
    const bool chosen =
        std::find(demand.targets.begin(), demand.targets.end(), worker) != demand.targets.end();
    if (!chosen && can_host(worker)) {
      order.emplace_back(found == free.end() ? 0 : -found->second, worker);
    }
  }
  std::sort(order.begin(), order.end());
  const std::size_t wanted =
      shape.per_worker > 0 ? static_cast<std::size_t>(shape.workers) : usable.size();
  for (const auto& [count, worker] : order) {
    if (demand.targets.size() >= wanted) break;
    demand.targets.push_back(worker);
  }
}

void Keep(Turn& turn, DemandQueue& demand) {
  Fleet& fleet = turn.world.fleet;
  const GangShape shape = ShapeOf(demand.demand.requirement.resources);
  ChooseTargets(fleet, demand);
  const std::uint64_t number = ++turn.world.last_reservation;
  int left = demand.demand.requirement.resources.slots;
  for (const WorkerId target : demand.targets) {
    Worker& worker = *fleet.Find(target);
    int here = shape.per_worker > 0 ? shape.per_worker : left;
    for (std::uint32_t position = 0; position < worker.slots.size() && here > 0; ++position) {
      const Slot& slot = worker.slots[position];
      const bool suits =
          std::find(demand.fits.begin(), demand.fits.end(), slot.group) != demand.fits.end();
      if (!suits || !slot.Usable() || slot.owner || slot.reserved_by != 0) continue;
      fleet.Reserve(worker, position, number);
      --here;
      --left;
    }
  }
  demand.reservation = number;
}

std::string NamesOf(const Fleet& fleet, const std::vector<WorkerId>& workers) {
  constexpr std::size_t kNamed = 5;
  std::string names;
  for (std::size_t i = 0; i < std::min(workers.size(), kNamed); ++i) {
    names += (i == 0 ? "" : ", ") + fleet.Find(workers[i])->info.name;
  }
  if (workers.size() > kNamed) names += ", ...";
  return names;
}

// Slots come free and go: the reservation is made anew each time, so that it never holds more than
// it can use.
void Serve(Turn& turn, DemandQueue& demand) {
  static const std::vector<WorkerId> kNone;
  const bool began = demand.reservation == 0;
  LetGo(turn, demand);
  if (const auto placement = Place(turn.world.fleet, {demand, kNone, false})) {
    const auto [key, queue] = *demand.waiting.begin();
    demand.gang_since = kNever;
    demand.targets.clear();
    Grant(turn, *queue, key.cell, *placement);
    return;
  }
  Keep(turn, demand);
  if (!began) return;
  const WaitKey& key = demand.waiting.begin()->first;
  turn.Happened({.kind = "slots_reserved",
                 .sweep = key.sweep,
                 .detail = Describe(demand.demand.requirement) + ": those that free up on " +
                           NamesOf(turn.world.fleet, demand.targets),
                 .reason = "a gang waits for longer than its patience"});
}

}  // namespace

void ServeReservations(Turn& turn) {
  World& world = turn.world;
  std::vector<DemandQueue*> due;
  bool any = false;
  for (auto& [key, demand] : world.demands) {
    const bool is_due = IsDue(world, *demand, turn.now);
    if (is_due) due.push_back(demand.get());
    any = any || is_due || demand->reservation != 0;
  }
  if (!any) return;
  std::stable_sort(due.begin(), due.end(), [](const DemandQueue* a, const DemandQueue* b) {
    return std::pair(a->waiting.begin()->first.negative_priority, a->gang_since) <
           std::pair(b->waiting.begin()->first.negative_priority, b->gang_since);
  });
  std::vector<DemandQueue*> served;
  for (auto& [key, demand] : world.demands) {
    if (!IsDue(world, *demand, turn.now)) {
      LetGo(turn, *demand);
      demand->targets.clear();
    }
  }
  for (DemandQueue* demand : due) {
    const bool clash = std::any_of(served.begin(), served.end(), [&](const DemandQueue* other) {
      return SharesGroup(*demand, *other);
    });
    if (clash || Outranked(world, *demand) || !IsFeasible(world.fleet, *demand, {})) {
      LetGo(turn, *demand);
      continue;
    }
    served.push_back(demand);
    Serve(turn, *demand);
  }
}

Time NextReservation(const World& world) {
  Time next = kNever;
  for (const auto& [key, demand] : world.demands) {
    if (demand->gang_since == kNever || demand->waiting.empty() || demand->reservation != 0) {
      continue;
    }
    // A time that is past was looked at: that gang waits for another change.
    const Time due = demand->gang_since + world.options.gang_patience;
    if (due > world.scheduled_at) next = std::min(next, due);
  }
  return next;
}

}  // namespace fusor::core
