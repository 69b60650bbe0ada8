#include "coordinator/server/cluster_service.h"

#include <map>
#include <utility>

#include "coordinator/server/cluster_convert.h"
#include "coordinator/server/convert.h"
#include "coordinator/server/lookup.h"
#include "coordinator/server/trial_text.h"

namespace fusor {

namespace {

// A mutation of one worker, named in the request.
template <class Message, class Make>
Mutation OfWorker(const char* method, const Message& request, Make make) {
  Mutation mutation;
  mutation.request_id = request.request_id();
  mutation.content = ContentOf(method, request);
  mutation.prepare = [&request, make](Readers& readers,
                                      Request core) -> Result<std::optional<Event>> {
    const Result<std::vector<PutWorker>> workers = readers.state->Workers();
    if (!workers.ok()) return workers.status();
    const Result<WorkerId> worker = FindWorker(*workers, request.worker());
    if (!worker.ok()) return worker.status();
    return std::optional<Event>(make(std::move(core), *worker));
  };
  mutation.done = [](const Reply& reply) { return reply.status; };
  return mutation;
}

}  // namespace

ClusterService::Unary ClusterService::GetInfo(Call call, const v1::GetInfoRequest*,
                                              v1::GetInfoResponse* response) {
  return Read(edge_, call, [this, response](Readers&) {
    response->set_cluster_id(info_.cluster_id);
    response->set_generation(info_.generation);
    response->set_version(info_.version);
    response->set_serving(edge_.health->serving());
    response->set_health(edge_.health->Reason());
    *response->mutable_started() = ToWire(info_.started);
    return Ok();
  });
}

Status ClusterService::FillWorkers(const v1::ListWorkersRequest& request,
                                   v1::ListWorkersResponse& response) {
  std::map<WorkerId, WorkerView> views;
  std::map<AttemptId, TrialKey> running;
  // When the core cannot be asked, what is stored is shown without what runs.
  (void)AskCore(edge_, [&](const Core& core, Time) {
    for (WorkerView& view : core.View().workers) {
      for (const SlotView& slot : view.slots) {
        if (!slot.attempt) continue;
        if (const auto attempt = core.FindAttempt(slot.attempt)) {
          running[slot.attempt] = attempt->trial;
        }
      }
      views[view.id] = std::move(view);
    }
  });
  ShownAttempts shown;
  for (const auto& [attempt, trial] : running) {
    const auto model = edge_.specs->Get(trial.sweep, *edge_.readers->state);
    if (!model.ok() || trial.stage >= (*model)->grids.size()) continue;
    shown[attempt] = {TrialIdText(trial.sweep, (*model)->stage_names[trial.stage], trial.cell),
                      (*model)->grid(trial.stage).NameOf(trial.cell)};
  }
  const Result<std::vector<PutWorker>> workers = edge_.readers->state->Workers();
  if (!workers.ok()) return workers.status();
  for (const PutWorker& worker : *workers) {
    if (worker.state == "gone" && !request.include_gone()) continue;
    const auto view = views.find(worker.id);
    *response.add_workers() = ToWire(worker, view == views.end() ? nullptr : &view->second, shown);
  }
  return Ok();
}

ClusterService::Unary ClusterService::ListWorkers(Call call, const v1::ListWorkersRequest* request,
                                                  v1::ListWorkersResponse* response) {
  return Read(edge_, call,
              [this, request, response](Readers&) { return FillWorkers(*request, *response); });
}

ClusterService::Unary ClusterService::Drain(Call call, const v1::DrainRequest* request,
                                            v1::DrainResponse*) {
  const auto make = [request](Request core, WorkerId worker) {
    const Time deadline = request->has_deadline() ? FromWire(request->deadline()) : kNever;
    return DrainWorker{std::move(core), worker, deadline, request->reason()};
  };
  return Mutate(edge_, call, OfWorker("Drain", *request, make));
}

ClusterService::Unary ClusterService::Resume(Call call, const v1::ResumeWorkerRequest* request,
                                             v1::ResumeWorkerResponse*) {
  const auto make = [](Request core, WorkerId worker) {
    return ResumeWorker{std::move(core), worker};
  };
  return Mutate(edge_, call, OfWorker("ResumeWorker", *request, make));
}

}  // namespace fusor
