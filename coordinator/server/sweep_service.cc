#include "coordinator/server/sweep_service.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/base/limits.h"
#include "coordinator/server/convert.h"
#include "coordinator/server/lookup.h"
#include "coordinator/server/results_read.h"
#include "coordinator/server/sweep_convert.h"
#include "coordinator/spec/extend.h"
#include "coordinator/spec/parse.h"
#include "coordinator/spec/plan.h"

namespace fusor {

namespace {

constexpr std::size_t kSweepsPerPage = 100;

template <class Request>
std::vector<std::string> Overrides(const Request& request) {
  return {request.overrides().begin(), request.overrides().end()};
}

// Too large to be looked at; everything else that is wrong comes as problems.
Status CheckSource(const std::string& source) {
  if (source.size() <= limits::kSweepFileBytesMax) return Ok();
  return InvalidArgument("the sweep file is larger than " +
                         std::to_string(limits::kSweepFileBytesMax >> 20) + " MiB");
}

template <class Response>
void AddProblems(const std::vector<SpecProblem>& problems, Response& response) {
  for (const SpecProblem& problem : problems) *response.add_problems() = ToWire(problem);
}

Status Plain(const Reply& reply) { return reply.status; }

// A mutation of one sweep: `make` turns the sweep's id into the event.
template <class Message, class Make>
Mutation OfSweep(const char* method, const Message& request, Make make,
                 std::function<Status(const Reply&)> done = Plain) {
  Mutation mutation;
  mutation.request_id = request.request_id();
  mutation.content = ContentOf(method, request);
  mutation.prepare = [&request, make](Readers& readers,
                                      Request core) -> Result<std::optional<Event>> {
    const Result<SweepId> sweep = ResolveSweep(request.sweep(), readers);
    if (!sweep.ok()) return sweep.status();
    return std::optional<Event>(make(std::move(core), *sweep));
  };
  mutation.done = std::move(done);
  return mutation;
}

void AddTables(const SweepResults& results, SweepId sweep, v1::ResultsResponse& response) {
  for (const ResultsTable& table : results.tables) *response.add_tables() = ToWire(table, sweep);
  for (const ResultsTable& table : results.gains) *response.add_gains() = ToWire(table, sweep);
}

}  // namespace

SweepService::Unary SweepService::Plan(Call call, const v1::PlanRequest* request,
                                       v1::PlanResponse* response) {
  return Read(edge_, call, [this, request, response](Readers&) {
    RETURN_IF_ERROR(CheckSource(request->source()));
    const SpecReport report = ParseSweep(request->source(), Overrides(*request));
    AddProblems(report.problems, *response);
    if (!report.spec) return Ok();
    const PlanReport plan = MakePlan(*report.spec);
    std::vector<Requirement> asked_for;
    for (const PlanReport::Stage& stage : plan.stages) {
      for (const PlanReport::Class& each : stage.classes) asked_for.push_back(each.requirement);
    }
    std::vector<FitReport> fits(asked_for.size());
    Status asked = AskCore(edge_, [&](const Core& core, Time) {
      for (std::size_t i = 0; i < fits.size(); ++i) fits[i] = core.Fit(asked_for[i]);
    });
    if (!asked.ok() && asked.code() != Code::kUnavailable) return asked;
    *response = ToWire(plan, fits);
    AddFileChecks(*report.spec, *response->mutable_file_checks());
    // While the coordinator cannot write, the plan says what a plan without it would.
    response->set_workers_asked(asked.ok());
    return Ok();
  });
}

SweepService::Unary SweepService::Submit(Call call, const v1::SubmitRequest* request,
                                         v1::SubmitResponse* response) {
  Mutation mutation;
  mutation.request_id = request->request_id();
  mutation.content = ContentOf("Submit", *request);
  mutation.prepare = [request, response](Readers&, Request core) -> Result<std::optional<Event>> {
    RETURN_IF_ERROR(CheckSource(request->source()));
    SpecReport report = ParseSweep(request->source(), Overrides(*request));
    if (!report.spec) {
      AddProblems(report.problems, *response);
      return std::optional<Event>();
    }
    AddFileChecks(*report.spec, *response->mutable_file_checks());
    return std::optional<Event>(
        SubmitSweep{std::move(core), std::make_shared<const SweepSpec>(std::move(*report.spec)),
                    request->source(), Overrides(*request)});
  };
  mutation.done = [response](const Reply& reply) {
    response->set_sweep(reply.sweep.value);
    response->set_trials(reply.count);
    return reply.status;
  };
  return Mutate(edge_, call, std::move(mutation));
}

SweepService::Unary SweepService::Get(Call call, const v1::GetSweepRequest* request,
                                      v1::GetSweepResponse* response) {
  return Read(edge_, call, [this, request, response](Readers& readers) {
    const Result<SweepId> sweep = ResolveSweep(request->sweep(), readers);
    if (!sweep.ok()) return sweep.status();
    const Result<SweepStatus> status = statuses_.Read(*sweep);
    if (!status.ok()) return status.status();
    *response->mutable_sweep() = ToWire(*status);
    if (request->include_source()) {
      response->set_source(status->row.source);
      for (const std::string& each : status->row.overrides) response->add_overrides(each);
    }
    return Ok();
  });
}

Status SweepService::FillList(const v1::ListSweepsRequest& request,
                              v1::ListSweepsResponse& response) {
  SweepQuery query;
  query.with_source = true;
  query.limit = request.page_size() == 0
                    ? kSweepsPerPage
                    : std::min<std::size_t>(request.page_size(), limits::kPageSizeMax);
  for (const int state : request.states()) {
    const auto known = FromWire(static_cast<v1::SweepState>(state));
    if (!known) return InvalidArgument("states: unknown state " + std::to_string(state));
    query.states.push_back(*known);
  }
  if (!request.page_token().empty()) {
    const std::string& token = request.page_token();
    SweepId before;
    const auto [end, error] =
        std::from_chars(token.data(), token.data() + token.size(), before.value);
    if (error != std::errc() || end != token.data() + token.size()) {
      return InvalidArgument("page_token: not one of this server's");
    }
    query.before = before;
  }
  Result<std::vector<PutSweep>> rows = edge_.readers->state->ListSweeps(query);
  if (!rows.ok()) return rows.status();
  const bool full = rows->size() == query.limit;
  const Result<std::vector<SweepStatus>> statuses = statuses_.Read(std::move(*rows));
  if (!statuses.ok()) return statuses.status();
  std::size_t bytes = 0;
  for (const SweepStatus& status : *statuses) {
    v1::Sweep& added = *response.add_sweeps();
    added = ToWire(status);
    bytes += added.ByteSizeLong();
    const bool last = &status == &statuses->back();
    if (last ? full : bytes > kPageBytes) {
      response.set_next_page_token(std::to_string(status.row.id.value));
      break;
    }
  }
  return Ok();
}

SweepService::Unary SweepService::List(Call call, const v1::ListSweepsRequest* request,
                                       v1::ListSweepsResponse* response) {
  return Read(edge_, call,
              [this, request, response](Readers&) { return FillList(*request, *response); });
}

SweepService::Unary SweepService::Cancel(Call call, const v1::CancelSweepRequest* request,
                                         v1::CancelSweepResponse* response) {
  const auto done = [response](const Reply& reply) {
    response->set_trials(reply.count);
    return reply.status;
  };
  const auto make = [request](Request core, SweepId sweep) {
    return CancelSweep{std::move(core), sweep, request->reason()};
  };
  return Mutate(edge_, call, OfSweep("Cancel", *request, make, done));
}

SweepService::Unary SweepService::Pause(Call call, const v1::PauseSweepRequest* request,
                                        v1::PauseSweepResponse*) {
  const auto make = [request](Request core, SweepId sweep) {
    return PauseSweep{std::move(core), sweep, request->now()};
  };
  return Mutate(edge_, call, OfSweep("Pause", *request, make));
}

SweepService::Unary SweepService::Resume(Call call, const v1::ResumeSweepRequest* request,
                                         v1::ResumeSweepResponse*) {
  const auto make = [](Request core, SweepId sweep) { return ResumeSweep{std::move(core), sweep}; };
  return Mutate(edge_, call, OfSweep("Resume", *request, make));
}

SweepService::Unary SweepService::Set(Call call, const v1::SetSweepRequest* request,
                                      v1::SetSweepResponse*) {
  const auto make = [request](Request core, SweepId sweep) {
    SetSweep set{std::move(core), sweep, {}, {}};
    if (request->has_priority()) set.priority = request->priority();
    if (request->has_max_running()) set.max_running = request->max_running();
    return set;
  };
  return Mutate(edge_, call, OfSweep("Set", *request, make));
}

SweepService::Unary SweepService::Delete(Call call, const v1::DeleteSweepRequest* request,
                                         v1::DeleteSweepResponse*) {
  const auto make = [](Request core, SweepId sweep) { return DeleteSweep{std::move(core), sweep}; };
  // Nobody means "the newest" when deleting.
  if (request->sweep() == 0) {
    return Read(edge_, call, [](Readers&) { return InvalidArgument("sweep: which one?"); });
  }
  return Mutate(edge_, call, OfSweep("Delete", *request, make));
}

Result<std::optional<Event>> SweepService::PrepareExtend(const v1::ExtendSweepRequest& request,
                                                         Request core_request) {
  const Result<SweepId> sweep = ResolveSweep(request.sweep(), *edge_.readers);
  if (!sweep.ok()) return sweep.status();
  const Result<PutSweep> row = edge_.readers->state->GetSweep(*sweep);
  if (!row.ok()) return row.status();
  const Result<std::shared_ptr<const SweepModel>> model = edge_.specs->Get(*row);
  if (!model.ok()) return model.status();
  ExtendSweep event{std::move(core_request), *sweep, {}, nullptr, row->extra_seeds.size()};
  event.seeds = {request.seeds().begin(), request.seeds().end()};
  Result<SweepSpec> extended = ExtendSeeds(*(*model)->spec, event.seeds);
  if (!extended.ok()) return extended.status();
  event.spec = std::make_shared<const SweepSpec>(std::move(*extended));
  return std::optional<Event>(std::move(event));
}

SweepService::Unary SweepService::Extend(Call call, const v1::ExtendSweepRequest* request,
                                         v1::ExtendSweepResponse* response) {
  Mutation mutation;
  mutation.request_id = request->request_id();
  mutation.content = ContentOf("Extend", *request);
  mutation.prepare = [this, request](Readers&, Request core) {
    return PrepareExtend(*request, std::move(core));
  };
  mutation.done = [response](const Reply& reply) {
    response->set_trials_added(reply.count);
    return reply.status;
  };
  return Mutate(edge_, call, std::move(mutation));
}

SweepService::Unary SweepService::Results(Call call, const v1::ResultsRequest* request,
                                          v1::ResultsResponse* response) {
  return Read(edge_, call, [this, request, response](Readers& readers) {
    const Result<SweepId> sweep = ResolveSweep(request->sweep(), readers);
    if (!sweep.ok()) return sweep.status();
    const Result<SweepStatus> status = statuses_.Read(*sweep);
    if (!status.ok()) return status.status();
    ResultsScope scope{request->where(), request->stage(), {}};
    scope.metrics = {request->metrics().begin(), request->metrics().end()};
    const Result<SweepResults> results = ReadResults(edge_, *status, scope);
    if (!results.ok()) return results.status();
    for (const ExpectationResult& result : results->expectations) {
      *response->add_expectations() = ToWire(result, *sweep);
    }
    if (!request->expectations_only()) AddTables(*results, *sweep, *response);
    const std::int64_t wall = status->wall_ms();
    const std::int64_t sum = status->totals.running_ms;
    *response->mutable_wall() = DurationToWire(wall);
    *response->mutable_running_sum() = DurationToWire(sum);
    if (wall > 0) response->set_speed_up(static_cast<double>(sum) / static_cast<double>(wall));
    response->set_slot_utilisation(status->utilisation());
    response->set_complete(status->complete());
    return Ok();
  });
}

grpc::ServerWriteReactor<v1::WatchSweepResponse>* SweepService::Watch(
    Call call, const v1::WatchSweepRequest* request) {
  return watches_.WatchSweep(call, *request);
}

}  // namespace fusor
