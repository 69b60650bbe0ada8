#pragma once

// All workers, and an index of their free slots by what they offer, so that a placement looks at
// groups instead of workers. Invariant: a group's `by_free` holds (number of free slots, worker)
// for each placeable worker with a free slot of the group.

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/core/demand.h"
#include "coordinator/core/worker_record.h"

namespace fusor::core {

struct SlotGroup {
  Offer offer;
  std::set<std::pair<int, WorkerId>> by_free;
  std::map<WorkerId, int> usable;  // placeable workers -> usable slots, busy ones too
  std::set<WorkerId> away;  // workers that had such slots and may be back before they are gone
  bool freed = false;       // since the last ClearFreed
};

class Fleet {
 public:
  using Workers = std::map<WorkerId, std::unique_ptr<Worker>>;

  const Workers& workers() const { return workers_; }
  Worker* Find(WorkerId id);
  const Worker* Find(WorkerId id) const;
  Worker& Add(WorkerId id);

  const std::vector<SlotGroup>& groups() const { return groups_; }
  // Raised whenever a group appears, or a group's first usable slot or first absent worker comes or
  // its last one goes: the moments at which what fits where can change.
  std::uint64_t version() const { return version_; }
  // Raised by every Reindex.
  std::uint64_t changes() const { return changes_; }

  // After the worker's info, connection, drain or a slot's condition changed.
  void Reindex(Worker& worker);

  void Take(Worker& worker, std::uint32_t position, AttemptId owner);
  // To the free ones again, or out of sight when the slot cannot be used.
  void Release(Worker& worker, std::uint32_t position);
  // A reservation keeps a free slot out of the index until it is dropped or taken.
  void Reserve(Worker& worker, std::uint32_t position, std::uint64_t reservation);
  void DropReservation(Worker& worker, std::uint32_t position);

  bool any_freed() const { return any_freed_; }
  void ClearFreed();

 private:
  std::uint32_t GroupOf(const WorkerInfo& info, const SlotInfo& slot);
  SlotShare* ShareOf(Worker& worker, std::uint32_t group);
  void AddFree(Worker& worker, std::uint32_t position);
  void RemoveFree(Worker& worker, std::uint32_t position);
  void Unindex(Worker& worker);
  void NoteAway(Worker& worker);

  Workers workers_;
  std::vector<SlotGroup> groups_;
  std::map<std::string, std::uint32_t> group_by_key_;
  std::uint64_t version_ = 1;
  std::uint64_t changes_ = 0;
  bool any_freed_ = false;
};

}  // namespace fusor::core
