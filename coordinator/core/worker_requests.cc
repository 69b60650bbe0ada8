// What clients ask of workers.

#include "coordinator/core/quarantine.h"
#include "coordinator/core/requests.h"
#include "coordinator/core/timers.h"
#include "coordinator/core/workers.h"

namespace fusor::core {

namespace {

Status NoWorker(WorkerId id) { return NotFound("no worker " + std::to_string(id.value)); }

}  // namespace

void OnDrain(Turn& turn, const DrainWorker& drain) {
  if (AnswerRepeat(turn, drain.request)) return;
  Worker* worker = turn.world.fleet.Find(drain.worker);
  if (worker == nullptr) {
    Finish(turn, drain.request, {NoWorker(drain.worker)});
    return;
  }
  worker->draining = true;
  worker->drain_enforced = false;
  worker->drain_deadline = drain.deadline;
  worker->reason = drain.reason.empty() ? "drained by request" : drain.reason;
  turn.world.fleet.Reindex(*worker);
  ArmWorker(turn.world, *worker, drain.deadline);
  WriteWorker(turn, *worker);
  turn.Happened({.kind = "worker_draining",
                 .worker = worker->id,
                 .detail = worker->info.name,
                 .reason = worker->reason});
  Finish(turn, drain.request, {Ok()});
}

void OnResumeWorker(Turn& turn, const ResumeWorker& resume) {
  if (AnswerRepeat(turn, resume.request)) return;
  Worker* worker = turn.world.fleet.Find(resume.worker);
  if (worker == nullptr) {
    Finish(turn, resume.request, {NoWorker(resume.worker)});
    return;
  }
  worker->draining = worker->drain_enforced = false;
  worker->drain_deadline = kNever;
  // A worker that leaves does so whatever is wished.
  if (!worker->leaving) worker->reason.clear();
  ReleaseQuarantine(turn, *worker);
  turn.world.fleet.Reindex(*worker);
  WriteWorker(turn, *worker);
  turn.Happened({.kind = "worker_resumed",
                 .worker = worker->id,
                 .detail = worker->info.name,
                 .reason = "by request"});
  Finish(turn, resume.request, {Ok()});
}

}  // namespace fusor::core
