#pragma once

// What the core knows of a worker and its slots.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/base/id.h"
#include "common/base/session.h"
#include "common/base/time.h"
#include "coordinator/core/write.h"

namespace fusor::core {

inline constexpr std::uint32_t kNoGroup = ~0U;

// Early failures of different trials on one slot, without a success between them.
struct Quarantine {
  std::vector<TrialKey> failed;
  std::string reason;      // empty = not quarantined
  Time probe_at = kNever;  // from then on the slot is lent to one trial
  Duration pause{0};
};

struct Slot {
  SlotInfo info;
  bool offered = true;             // the worker still lists it
  std::uint32_t group = kNoGroup;  // slots of one group offer the same
  AttemptId owner;                 // 0 = free; else live, or no longer live but still held there
  std::uint64_t reserved_by = 0;   // a waiting gang's reservation; 0 = none
  std::string stuck;               // its process cannot be killed, because of this
  Quarantine quarantine;
  bool lent = false;  // quarantined, but lent to one trial

  // Empty, or why nothing is started on it.
  std::string Condition() const {
    if (!stuck.empty()) return "stuck: " + stuck;
    if (!quarantine.reason.empty()) return "quarantined: " + quarantine.reason;
    return "";
  }
  bool Usable() const { return offered && stuck.empty() && (quarantine.reason.empty() || lent); }
};

// The worker's slots of one group.
struct SlotShare {
  std::uint32_t group = kNoGroup;
  std::vector<std::uint32_t>
      free;  // positions in Worker::slots, descending: the lowest is at the back
  int usable = 0;
};

struct Worker {
  WorkerId id;
  WorkerInfo info;
  SessionId session;      // 0 = no stream
  bool silent = false;    // has a stream, but said nothing for a lease's length
  bool draining = false;  // by a person; outlives the agent
  bool leaving = false;   // the agent said so; ends with its next incarnation
  bool gone = false;
  std::string reason;  // why it is draining, leaving or gone
  Time drain_deadline = kNever;
  bool drain_enforced = false;
  Time seen{};
  Time check_at = kNever;                // when its timer is due
  std::vector<Slot> slots;               // positions stay: new ones are appended
  std::vector<SlotShare> shares;         // ascending by group; empty while nothing may start here
  std::vector<std::uint32_t> away_from;  // groups that miss it while it may come back
  std::set<AttemptId> attempts;          // live ones with a part here
  // Attempts that are over for us while processes of theirs may still be held here.
  std::map<AttemptId, std::vector<std::uint32_t>> ghosts;  // -> positions of their slots

  bool Placeable() const { return session && !silent && !draining && !leaving; }
  bool MayComeBack() const { return (!session || silent) && !gone && !draining && !leaving; }
  const char* StateName() const {
    if (!session) return gone ? "gone" : "suspect";
    if (draining || leaving) return "draining";
    return silent ? "suspect" : "connected";
  }
  Slot* FindSlot(std::uint32_t index) {
    for (Slot& slot : slots) {
      if (slot.info.index == index) return &slot;
    }
    return nullptr;
  }
};

}  // namespace fusor::core
