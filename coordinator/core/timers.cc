#include "coordinator/core/timers.h"

#include <algorithm>

#include "coordinator/core/leases.h"
#include "coordinator/core/requests.h"
#include "coordinator/core/reservation.h"
#include "coordinator/core/trials.h"
#include "coordinator/core/waiting.h"

namespace fusor::core {

void ArmWorker(World& world, Worker& worker, Time at) {
  if (at >= worker.check_at) return;
  world.worker_timers.erase({worker.check_at, worker.id});
  worker.check_at = at;
  world.worker_timers.emplace(at, worker.id);
}

void RunTimers(Turn& turn) {
  World& world = turn.world;
  while (!world.delayed.empty() && world.delayed.begin()->first <= turn.now) {
    const TrialKey key = world.delayed.begin()->second;
    Stage& stage = *FindStage(world, key);
    RemoveDelayed(world, *FindTrial(stage, key.cell));
    AddReady(world, stage, key.cell);
  }
  while (!world.worker_timers.empty() && world.worker_timers.begin()->first <= turn.now) {
    Worker& worker = *world.fleet.Find(world.worker_timers.begin()->second);
    world.worker_timers.erase(world.worker_timers.begin());
    worker.check_at = kNever;
    CheckWorker(turn, worker);
  }
  ForgetRequests(turn);
}

Time NextTimer(const World& world) {
  Time next = NextReservation(world);
  if (!world.delayed.empty()) next = std::min(next, world.delayed.begin()->first);
  if (!world.worker_timers.empty()) next = std::min(next, world.worker_timers.begin()->first);
  return next;
}

}  // namespace fusor::core
