#pragma once

// What clients ask for. Each request gets exactly one Reply; the same request_id with the same
// content gets the same one again.

#include "coordinator/core/world.h"

namespace fusor::core {

void OnSubmit(Turn& turn, const SubmitSweep& submit);
void OnCancelSweep(Turn& turn, const CancelSweep& cancel);
void OnPause(Turn& turn, const PauseSweep& pause);
void OnResume(Turn& turn, const ResumeSweep& resume);
void OnSet(Turn& turn, const SetSweep& set);
void OnExtend(Turn& turn, const ExtendSweep& extend);
void OnDelete(Turn& turn, const DeleteSweep& remove);
void OnRetry(Turn& turn, const RetryTrials& retry);
void OnCancelTrials(Turn& turn, const CancelTrials& cancel);
void OnDrain(Turn& turn, const DrainWorker& drain);
void OnResumeWorker(Turn& turn, const ResumeWorker& resume);
void OnRefuse(Turn& turn, const RefuseRequest& refuse);

// Answers a request that was answered before, or clashes with one. True when it did.
bool AnswerRepeat(Turn& turn, const Request& request);

struct Answer {
  Status status;
  SweepId sweep;
  std::uint64_t count = 0;
};
// Replies, and remembers what was done.
void Finish(Turn& turn, const Request& request, const Answer& answer);

// Those that are older than limits::kRequestIdKept.
void ForgetRequests(Turn& turn);

// What remembers a request of an earlier run.
void Remember(World& world, const PutRequest& row);

}  // namespace fusor::core
