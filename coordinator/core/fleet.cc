#include "coordinator/core/fleet.h"

#include <algorithm>
#include <functional>

#include "common/base/check.h"

namespace fusor::core {

Worker* Fleet::Find(WorkerId id) {
  const auto found = workers_.find(id);
  return found == workers_.end() ? nullptr : found->second.get();
}

const Worker* Fleet::Find(WorkerId id) const {
  const auto found = workers_.find(id);
  return found == workers_.end() ? nullptr : found->second.get();
}

Worker& Fleet::Add(WorkerId id) {
  auto& worker = workers_[id];
  CHECK(!worker);
  worker = std::make_unique<Worker>();
  worker->id = id;
  return *worker;
}

std::uint32_t Fleet::GroupOf(const WorkerInfo& info, const SlotInfo& slot) {
  Offer offer = OfferOf(info, slot);
  const auto [entry, fresh] =
      group_by_key_.try_emplace(KeyOf(offer), static_cast<std::uint32_t>(groups_.size()));
  if (fresh) groups_.push_back({.offer = std::move(offer)});
  return entry->second;
}

SlotShare* Fleet::ShareOf(Worker& worker, std::uint32_t group) {
  for (SlotShare& share : worker.shares) {
    if (share.group == group) return &share;
  }
  return nullptr;
}

void Fleet::Unindex(Worker& worker) {
  for (const SlotShare& share : worker.shares) {
    SlotGroup& group = groups_[share.group];
    if (!share.free.empty()) {
      group.by_free.erase({static_cast<int>(share.free.size()), worker.id});
    }
    group.usable.erase(worker.id);
    if (group.usable.empty()) ++version_;
  }
  worker.shares.clear();
  for (const std::uint32_t group : worker.away_from) {
    groups_[group].away.erase(worker.id);
    if (groups_[group].away.empty()) ++version_;
  }
  worker.away_from.clear();
}

void Fleet::NoteAway(Worker& worker) {
  for (const Slot& slot : worker.slots) {
    SlotGroup& group = groups_[slot.group];
    if (!slot.Usable()) continue;
    if (group.away.empty()) ++version_;
    if (group.away.insert(worker.id).second) worker.away_from.push_back(slot.group);
  }
}

void Fleet::Reindex(Worker& worker) {
  ++changes_;
  Unindex(worker);
  for (Slot& slot : worker.slots) slot.group = GroupOf(worker.info, slot.info);
  if (worker.MayComeBack()) NoteAway(worker);
  if (!worker.Placeable()) return;
  for (std::uint32_t position = 0; position < worker.slots.size(); ++position) {
    const Slot& slot = worker.slots[position];
    if (!slot.Usable()) continue;
    SlotShare* share = ShareOf(worker, slot.group);
    if (share == nullptr) {
      worker.shares.push_back({.group = slot.group});
      share = &worker.shares.back();
    }
    ++share->usable;
    if (!slot.owner && slot.reserved_by == 0) share->free.push_back(position);
  }
  std::sort(worker.shares.begin(), worker.shares.end(),
            [](const SlotShare& a, const SlotShare& b) { return a.group < b.group; });
  for (SlotShare& share : worker.shares) {
    std::reverse(share.free.begin(), share.free.end());
    SlotGroup& group = groups_[share.group];
    if (group.usable.empty()) ++version_;
    group.usable[worker.id] = share.usable;
    if (share.free.empty()) continue;
    group.by_free.insert({static_cast<int>(share.free.size()), worker.id});
    group.freed = any_freed_ = true;
  }
}

void Fleet::AddFree(Worker& worker, std::uint32_t position) {
  const Slot& slot = worker.slots[position];
  SlotShare* share = ShareOf(worker, slot.group);
  if (share == nullptr || !slot.Usable() || slot.owner || slot.reserved_by != 0) return;
  SlotGroup& group = groups_[slot.group];
  const int before = static_cast<int>(share->free.size());
  if (before > 0) group.by_free.erase({before, worker.id});
  share->free.insert(std::upper_bound(share->free.begin(), share->free.end(), position,
                                      std::greater<std::uint32_t>()),
                     position);
  group.by_free.insert({before + 1, worker.id});
  group.freed = any_freed_ = true;
}

void Fleet::RemoveFree(Worker& worker, std::uint32_t position) {
  const Slot& slot = worker.slots[position];
  SlotShare* share = ShareOf(worker, slot.group);
  if (share == nullptr) return;
  const auto found = std::find(share->free.rbegin(), share->free.rend(), position);
  if (found == share->free.rend()) return;
  SlotGroup& group = groups_[slot.group];
  const int before = static_cast<int>(share->free.size());
  group.by_free.erase({before, worker.id});
  share->free.erase(std::next(found).base());
  if (before > 1) group.by_free.insert({before - 1, worker.id});
}

void Fleet::Take(Worker& worker, std::uint32_t position, AttemptId owner) {
  Slot& slot = worker.slots[position];
  CHECK(!slot.owner);
  RemoveFree(worker, position);
  slot.owner = owner;
  slot.reserved_by = 0;
}

void Fleet::Release(Worker& worker, std::uint32_t position) {
  Slot& slot = worker.slots[position];
  slot.owner = {};
  if (slot.lent) {
    // What it was lent for is over; whether it is released for good was decided before.
    slot.lent = false;
    if (!slot.quarantine.reason.empty()) {
      Reindex(worker);
      return;
    }
  }
  AddFree(worker, position);
}

void Fleet::Reserve(Worker& worker, std::uint32_t position, std::uint64_t reservation) {
  RemoveFree(worker, position);
  worker.slots[position].reserved_by = reservation;
}

void Fleet::DropReservation(Worker& worker, std::uint32_t position) {
  worker.slots[position].reserved_by = 0;
  AddFree(worker, position);
}

void Fleet::ClearFreed() {
  for (SlotGroup& group : groups_) group.freed = false;
  any_freed_ = false;
}

}  // namespace fusor::core
