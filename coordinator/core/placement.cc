#include "coordinator/core/placement.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/base/count.h"

namespace fusor::core {

namespace {

bool Avoided(const std::vector<WorkerId>& avoid, WorkerId worker) {
  return std::find(avoid.begin(), avoid.end(), worker) != avoid.end();
}

// Free slots of the worker that are in one of the groups, the lowest first.
std::vector<std::uint32_t> FreeSlots(const Worker& worker, const std::vector<std::uint32_t>& groups,
                                     std::size_t count) {
  std::vector<std::uint32_t> positions;
  for (const SlotShare& share : worker.shares) {
    if (std::find(groups.begin(), groups.end(), share.group) == groups.end()) continue;
    positions.insert(positions.end(), share.free.begin(), share.free.end());
  }
  std::sort(positions.begin(), positions.end());
  if (positions.size() > count) positions.resize(count);
  return positions;
}

// The worker of the group to take one slot of; 0 = none.
WorkerId PickWorker(const SlotGroup& group, const PlacementAsk& ask) {
  const auto& by_free = group.by_free;
  if (by_free.empty()) return {};
  if (ask.avoid.empty()) {
    // Among equals the oldest worker.
    if (ask.pack) return by_free.begin()->second;
    return by_free.lower_bound({by_free.rbegin()->first, WorkerId{}})->second;
  }
  for (auto it = by_free.rbegin(); it != by_free.rend(); ++it) {
    if (!Avoided(ask.avoid, it->second)) return it->second;
  }
  return {};
}

std::optional<Placement> PlaceOne(const Fleet& fleet, const PlacementAsk& ask) {
  for (const std::uint32_t group : ask.demand.fits) {
    const WorkerId id = PickWorker(fleet.groups()[group], ask);
    if (!id) continue;
    const Worker& worker = *fleet.Find(id);
    for (const SlotShare& share : worker.shares) {
      if (share.group != group) continue;
      Placement placement;
      placement.parts.push_back({id, {share.free.back()}});
      placement.because = worker.info.name + " had " + std::to_string(share.free.size()) + " free";
      return placement;
    }
  }
  return std::nullopt;
}

// Groups whose workers have the same copy of the data set, or all of them where it does not matter:
// the first grant pins the copy, so a gang must not begin with two.
std::vector<std::vector<std::uint32_t>> OneCopyEach(const Fleet& fleet, const DemandQueue& demand) {
  const std::string& name = demand.demand.requirement.dataset;
  if (name.empty() || !demand.demand.copy.empty()) return {demand.fits};
  std::map<std::string, std::vector<std::uint32_t>> by_copy;
  for (const std::uint32_t group : demand.fits) {
    const DatasetInfo* dataset = FindDataset(fleet.groups()[group].offer.datasets, name);
    by_copy[dataset == nullptr ? "" : CopyOf(*dataset)].push_back(group);
  }
  std::vector<std::vector<std::uint32_t>> copies;
  for (auto& [fingerprint, groups] : by_copy) copies.push_back(std::move(groups));
  return copies;
}

std::map<WorkerId, int> CountFree(const Fleet& fleet, const std::vector<std::uint32_t>& groups,
                                  const std::vector<WorkerId>& avoid) {
  std::map<WorkerId, int> free;
  for (const std::uint32_t group : groups) {
    for (const auto& [count, worker] : fleet.groups()[group].by_free) {
      if (!Avoided(avoid, worker)) free[worker] += count;
    }
  }
  return free;
}

// (free slots, worker) in the order in which workers are taken.
std::vector<std::pair<int, WorkerId>> Candidates(const std::map<WorkerId, int>& free,
                                                 const GangShape& shape) {
  std::vector<std::pair<int, WorkerId>> order;
  for (const auto& [worker, count] : free) {
    if (count >= std::max(shape.per_worker, 1)) order.emplace_back(count, worker);
  }
  // A part of fixed size goes where the least is left over; a free spread takes the fewest workers.
  std::stable_sort(order.begin(), order.end(), [&](const auto& a, const auto& b) {
    return shape.per_worker > 0 ? a.first < b.first : a.first > b.first;
  });
  return order;
}

std::optional<Placement> PlaceGang(const Fleet& fleet, const PlacementAsk& ask,
                                   const std::vector<std::uint32_t>& groups) {
  const Resources& resources = ask.demand.demand.requirement.resources;
  const GangShape shape = ShapeOf(resources);
  if (shape.workers == 0) return std::nullopt;
  auto left = static_cast<std::size_t>(resources.slots);
  Placement placement;
  for (const auto& [count, id] : Candidates(CountFree(fleet, groups, ask.avoid), shape)) {
    if (left == 0) break;
    const std::size_t here = shape.per_worker > 0 ? static_cast<std::size_t>(shape.per_worker)
                                                  : std::min<std::size_t>(left, count);
    placement.parts.push_back({id, FreeSlots(*fleet.Find(id), groups, here)});
    left -= here;
  }
  if (left > 0) return std::nullopt;
  placement.because = CountOf(resources.slots, "slot") + " free together on " +
                      CountOf(placement.parts.size(), "worker");
  return placement;
}

}  // namespace

GangShape ShapeOf(const Resources& resources) {
  if (resources.slots < 1) return {};
  if (resources.per_worker > 0) {
    if (resources.slots % resources.per_worker != 0) return {};
    return {resources.slots / resources.per_worker, resources.per_worker};
  }
  if (resources.spread == Spread::kOneWorker) return {1, resources.slots};
  return {resources.slots, 0};
}

std::optional<Placement> Place(const Fleet& fleet, const PlacementAsk& ask) {
  if (!ask.demand.is_gang()) return PlaceOne(fleet, ask);
  for (const auto& groups : OneCopyEach(fleet, ask.demand)) {
    if (auto placement = PlaceGang(fleet, ask, groups)) return placement;
  }
  return std::nullopt;
}

std::map<WorkerId, int> UsableFor(const Fleet& fleet, const DemandQueue& demand) {
  std::map<WorkerId, int> usable;
  for (const std::uint32_t group : demand.fits) {
    for (const auto& [worker, count] : fleet.groups()[group].usable) usable[worker] += count;
  }
  return usable;
}

std::map<WorkerId, int> FreeFor(const Fleet& fleet, const DemandQueue& demand) {
  return CountFree(fleet, demand.fits, {});
}

bool IsFeasible(const Fleet& fleet, const DemandQueue& demand, const std::vector<WorkerId>& avoid) {
  const GangShape shape = ShapeOf(demand.demand.requirement.resources);
  if (shape.workers == 0) return false;
  if (!demand.is_gang()) {
    return std::any_of(demand.fits.begin(), demand.fits.end(), [&](std::uint32_t group) {
      const auto& usable = fleet.groups()[group].usable;
      return std::any_of(usable.begin(), usable.end(),
                         [&](const auto& entry) { return !Avoided(avoid, entry.first); });
    });
  }
  int workers = 0;
  int slots = 0;
  for (const auto& [worker, count] : UsableFor(fleet, demand)) {
    if (Avoided(avoid, worker) || count < shape.per_worker) continue;
    ++workers;
    slots += count;
  }
  const int wanted = demand.demand.requirement.resources.slots;
  return shape.per_worker > 0 ? workers >= shape.workers : slots >= wanted;
}

}  // namespace fusor::core
