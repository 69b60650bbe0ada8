#pragma once

// Everything the core knows, and the turn in which it changes. The functions of this folder take a
// Turn: they read and change the world, and what is to be written and sent goes into the effects.

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/core/attempt_record.h"
#include "coordinator/core/core.h"
#include "coordinator/core/effect.h"
#include "coordinator/core/fleet.h"
#include "coordinator/core/sweep_record.h"

namespace fusor::core {

// The classes that demand the same, in the order in which they are served.
struct DemandQueue {
  Demand demand;
  std::vector<std::uint32_t> fits;  // groups with usable slots that suit it, best first
  bool fallback = false;            // they offer the fallback precision only
  bool native_away = false;         // no fallback: who offers its own precision may be back soon
  std::uint64_t fits_version = 0;   // Fleet::version() at which `fits` was found
  std::map<WaitKey, ClassQueue*> waiting;
  bool blocked = false;                // found no place; until a slot of `fits` frees up
  std::vector<ClassQueue*> set_aside;  // those with trials that only fit where they crashed before
  int classes = 0;                     // that have this demand

  // Of gangs: since when the first in line finds no place, and where slots are kept for it.
  Time gang_since = kNever;
  std::uint64_t reservation = 0;  // number in Slot::reserved_by; 0 = none
  std::vector<WorkerId> targets;

  bool is_gang() const { return demand.requirement.resources.slots > 1; }
};

struct World {
  CoreOptions options;
  Fleet fleet;
  std::map<std::string, WorkerId> worker_by_uid;
  std::map<SessionId, WorkerId> sessions;  // open streams; 0 = said nothing yet
  std::map<SweepId, std::unique_ptr<Sweep>> sweeps;
  std::size_t open_sweeps = 0;
  std::map<AttemptId, std::unique_ptr<Attempt>> attempts;  // live ones
  std::map<std::string, std::unique_ptr<DemandQueue>> demands;
  std::map<std::string, PutRequest> requests;
  std::set<std::pair<Time, std::string>> request_order;  // the oldest first

  // Deadlines.
  std::set<std::pair<Time, WorkerId>> worker_timers;  // as Worker::check_at
  std::set<std::pair<Time, TrialKey>> delayed;        // trials in back-off

  // Work for the next Schedule.
  std::vector<Sweep*> reordered;  // their classes' places in the queues changed
  std::vector<Sweep*> to_finish;  // may have finished
  std::uint64_t last_reservation = 0;
  std::uint64_t taken_back_changes = 0;  // Fleet::changes() when set-aside trials were looked at
  Time scheduled_at{};                   // the last Schedule

  SweepId last_sweep;
  AttemptId last_attempt;
  ArtifactId last_artifact;
  EventId last_event;
  WorkerId last_worker;
};

struct Turn {
  World& world;
  Time now;
  Effects& effects;

  void Write(Write write) { effects.writes.push_back(std::move(write)); }
  // Numbers the event and gives it the turn's time.
  void Happened(PutEvent event);
  void Send(SessionId session, CoordinatorMessage message);
  // To the worker's stream, if it has one.
  void SendTo(const Worker& worker, CoordinatorMessage message);
};

}  // namespace fusor::core
