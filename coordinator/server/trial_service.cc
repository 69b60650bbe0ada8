#include "coordinator/server/trial_service.h"

#include <algorithm>
#include <map>
#include <utility>

#include "common/base/limits.h"
#include "common/recipe/recipe.h"
#include "coordinator/server/convert.h"
#include "coordinator/server/lookup.h"
#include "coordinator/server/metric_read.h"
#include "coordinator/server/trial_convert.h"
#include "coordinator/server/trial_listing.h"
#include "coordinator/server/trial_text.h"

namespace fusor {

namespace {

constexpr std::size_t kTrialsPerPage = 1'000;
constexpr std::size_t kEventsPerTrial = 1'000;

Result<std::map<WorkerId, std::string>> WorkerNames(Readers& readers) {
  const Result<std::vector<PutWorker>> workers = readers.state->Workers();
  if (!workers.ok()) return workers.status();
  std::map<WorkerId, std::string> names;
  for (const PutWorker& worker : *workers) names[worker.id] = worker.info.name;
  return names;
}

// What tells this trial from another one of its recipe.
void ListChosen(const StageSpec& stage, v1::GetTrialResponse& response) {
  for (const Axis& axis : stage.axes) response.add_chosen_params(axis.name);
  const Recipe* recipe = FindRecipe(stage.recipe);
  for (const auto& [name, value] : stage.params) {
    const Param* param = recipe == nullptr ? nullptr : recipe->Find(name);
    if (param == nullptr || param->default_value != value) response.add_chosen_params(name);
  }
}

}  // namespace

Status TrialService::FillTrial(const v1::GetTrialRequest& request, v1::GetTrialResponse& response) {
  Readers& readers = *edge_.readers;
  const TrialKey given{{request.ref().sweep()}, request.ref().stage(), request.ref().cell()};
  const Result<ResolvedTrial> trial = request.has_ref()
                                          ? ResolveTrial(given, readers, *edge_.specs)
                                          : ResolveTrial(request.id(), readers, *edge_.specs);
  if (!trial.ok()) return trial.status();
  const TrialKey key = trial->key;
  Result<std::optional<PutTrial>> row = readers.state->FindTrial(key);
  if (!row.ok()) return row.status();
  ListedTrial listed{{key.stage, key.cell}, TrialState::kReady, std::move(*row)};
  std::string reason;
  const Status asked = AskCore(edge_, [&](const Core& core, Time now) {
    const TrialView view = core.ViewTrial(key);
    listed.state = view.state;
    reason = view.reason;
    if (view.state != TrialState::kSkipped) return;
    const Explanation why = core.Explain(key, now);
    if (!why.reasons.empty()) reason = why.reasons.front();
  });
  if (!asked.ok()) {
    const Result<PutSweep> sweep = readers.state->GetSweep(key.sweep);
    if (!sweep.ok()) return sweep.status();
    listed.state = listed.row
                       ? listed.row->state
                       : StateWithoutRow(sweep->state, trial->model->spec->stages[key.stage]);
  }
  *response.mutable_trial() = ToWire(key.sweep, *trial->model, listed, AxesOf(*trial->model));
  ListChosen(trial->model->spec->stages[key.stage], response);
  // Whose fault a skipped trial is may have changed since its row was written.
  const bool skipped = listed.state == TrialState::kSkipped && !reason.empty();
  if (!listed.row || skipped) response.mutable_trial()->set_reason(reason);
  const Result<std::vector<PutAttempt>> attempts = readers.state->Attempts(key);
  if (!attempts.ok()) return attempts.status();
  Result<std::map<WorkerId, std::string>> names = WorkerNames(readers);
  if (!names.ok()) return names.status();
  for (const PutAttempt& attempt : *attempts) {
    *response.add_attempts() = ToWire(attempt, (*names)[attempt.worker]);
  }
  const Result<std::vector<PutEvent>> events = readers.state->EventsOf(key, kEventsPerTrial);
  if (!events.ok()) return events.status();
  for (const PutEvent& event : *events) *response.add_events() = ToWire(event);
  return Ok();
}

TrialService::Unary TrialService::Get(Call call, const v1::GetTrialRequest* request,
                                      v1::GetTrialResponse* response) {
  return Read(edge_, call,
              [this, request, response](Readers&) { return FillTrial(*request, *response); });
}

template <class Request>
Result<TrialListQuestion> TrialService::Chosen(const Request& request) const {
  TrialListQuestion question;
  const Result<SweepId> sweep = ResolveSweep(request.sweep(), *edge_.readers);
  if (!sweep.ok()) return sweep.status();
  question.sweep = *sweep;
  Result<std::shared_ptr<const SweepModel>> model = edge_.specs->Get(*sweep, *edge_.readers->state);
  if (!model.ok()) return model.status();
  question.model = *model;
  if (!request.stage().empty()) {
    const Result<std::uint32_t> stage = FindStage((*model)->stage_names, request.stage());
    if (!stage.ok()) return stage.status();
    question.stage = *stage;
  }
  Result<Filter> filter = ParseFilter(request.where());
  if (!filter.ok()) return filter.status();
  RETURN_IF_ERROR(CheckFilter(*filter, *(*model)->spec));
  question.filter = std::move(*filter);
  return question;
}

Status TrialService::FillList(const v1::ListTrialsRequest& request,
                              v1::ListTrialsResponse& response) {
  Result<TrialListQuestion> question = Chosen(request);
  if (!question.ok()) return question.status();
  for (const int state : request.states()) {
    const auto known = FromWire(static_cast<v1::TrialState>(state));
    if (!known) return InvalidArgument("states: unknown state " + std::to_string(state));
    question->states.push_back(*known);
  }
  const Result<std::optional<TrialPosition>> after = ParsePageToken(request.page_token());
  if (!after.ok()) return after.status();
  question->after = *after;
  question->limit = request.page_size() == 0
                        ? kTrialsPerPage
                        : std::min<std::size_t>(request.page_size(), limits::kPageSizeMax);
  const Result<TrialList> list = ListTrials(edge_, *question);
  if (!list.ok()) return list.status();
  const std::vector<std::string> axes = AxesOf(*question->model);
  for (const std::string& axis : axes) response.add_axes(axis);
  response.set_total(list->total);
  std::size_t bytes = 0;
  for (const ListedTrial& trial : list->trials) {
    v1::Trial& added = *response.add_trials();
    added = ToWire(question->sweep, *question->model, trial, axes);
    bytes += added.ByteSizeLong();
    const bool last = &trial == &list->trials.back();
    if (last ? list->more : bytes > kPageBytes) {
      response.set_next_page_token(PageToken(trial.position));
      break;
    }
  }
  return Ok();
}

TrialService::Unary TrialService::List(Call call, const v1::ListTrialsRequest* request,
                                       v1::ListTrialsResponse* response) {
  return Read(edge_, call,
              [this, request, response](Readers&) { return FillList(*request, *response); });
}

Status TrialService::FillBest(const v1::BestTrialRequest& request,
                              v1::BestTrialResponse& response) {
  const Result<TrialListQuestion> question = Chosen(request);
  if (!question.ok()) return question.status();
  const SweepModel& model = *question->model;
  const std::string sweep = "sweep " + std::to_string(question->sweep.value);
  const Objective& objective = model.spec->objective;
  std::vector<CellFilter> filters;
  for (const auto& grid : model.grids) filters.emplace_back(question->filter, *grid);
  StateReader::Fits fits;  // without a filter the store need not look at all of them
  if (!question->filter.terms.empty()) {
    fits = [&](const TrialPosition& trial) { return filters[trial.stage].Matches(trial.cell); };
  }
  const Goal goal = objective.maximize ? Goal::kMaximize : Goal::kMinimize;
  const Result<std::optional<PutTrial>> best =
      edge_.readers->state->Best(question->sweep, question->stage, goal, fits);
  if (!best.ok()) return best.status();
  if (!best->has_value()) {
    const bool chosen = question->stage || !question->filter.terms.empty();
    return NotFound(sweep + " has no best trial: none " + (chosen ? "that fits " : "") +
                    "has reported " + objective.metric + " yet");
  }
  const TrialKey& key = (*best)->key;
  response.set_id(TrialIdText(key.sweep, model.stage_names[key.stage], key.cell));
  response.set_objective((*best)->objective);
  return Ok();
}

TrialService::Unary TrialService::Best(Call call, const v1::BestTrialRequest* request,
                                       v1::BestTrialResponse* response) {
  return Read(edge_, call,
              [this, request, response](Readers&) { return FillBest(*request, *response); });
}

TrialService::Unary TrialService::Explain(Call call, const v1::ExplainTrialRequest* request,
                                          v1::ExplainTrialResponse* response) {
  return Read(edge_, call, [this, request, response](Readers& readers) {
    const Result<ResolvedTrial> trial = ResolveTrial(request->id(), readers, *edge_.specs);
    if (!trial.ok()) return trial.status();
    return AskCore(edge_, [&](const Core& core, Time now) {
      const Explanation why = core.Explain(trial->key, now);
      response->set_state(ToWire(why.state));
      for (const std::string& reason : why.reasons) response->add_reasons(reason);
      for (const TrialKey& cause : why.causes) {
        response->add_skipped_because_of(
            TrialIdText(cause.sweep, trial->model->stage_names[cause.stage], cause.cell));
      }
    });
  });
}

Result<std::vector<TrialKey>> TrialService::Keys(
    const google::protobuf::RepeatedPtrField<std::string>& trials) const {
  if (static_cast<std::size_t>(trials.size()) > limits::kPageSizeMax) {
    return ResourceExhausted("at most " + std::to_string(limits::kPageSizeMax) +
                             " trials in one request");
  }
  std::vector<TrialKey> keys;
  for (const std::string& text : trials) {
    const Result<ResolvedTrial> trial = ResolveTrial(text, *edge_.readers, *edge_.specs);
    if (!trial.ok()) return trial.status();
    keys.push_back(trial->key);
  }
  return keys;
}

TrialService::Unary TrialService::Retry(Call call, const v1::RetryTrialsRequest* request,
                                        v1::RetryTrialsResponse* response) {
  Mutation mutation;
  mutation.request_id = request->request_id();
  mutation.content = ContentOf("Retry", *request);
  mutation.prepare = [this, request](Readers& readers,
                                     Request core) -> Result<std::optional<Event>> {
    Result<std::vector<TrialKey>> keys = Keys(request->trials());
    if (!keys.ok()) return keys.status();
    SweepId sweep;
    if (keys->empty()) {
      const Result<SweepId> named = ResolveSweep(request->sweep(), readers);
      if (!named.ok()) return named.status();
      sweep = *named;
    } else {
      sweep = keys->front().sweep;
    }
    return std::optional<Event>(RetryTrials{std::move(core), sweep, std::move(*keys)});
  };
  mutation.done = [response](const Reply& reply) {
    response->set_trials(reply.count);
    return reply.status;
  };
  return Mutate(edge_, call, std::move(mutation));
}

TrialService::Unary TrialService::Cancel(Call call, const v1::CancelTrialsRequest* request,
                                         v1::CancelTrialsResponse* response) {
  Mutation mutation;
  mutation.request_id = request->request_id();
  mutation.content = ContentOf("CancelTrials", *request);
  mutation.prepare = [this, request](Readers&, Request core) -> Result<std::optional<Event>> {
    Result<std::vector<TrialKey>> keys = Keys(request->trials());
    if (!keys.ok()) return keys.status();
    if (keys->empty()) return InvalidArgument("trials: which ones?");
    return std::optional<Event>(CancelTrials{std::move(core), std::move(*keys)});
  };
  mutation.done = [response](const Reply& reply) {
    response->set_trials(reply.count);
    return reply.status;
  };
  return Mutate(edge_, call, std::move(mutation));
}

Status TrialService::FillMetrics(const v1::ListMetricsRequest& request,
                                 v1::ListMetricsResponse& response) {
  Readers& readers = *edge_.readers;
  const Result<ResolvedTrial> trial = ResolveTrial(request.trial(), readers, *edge_.specs);
  if (!trial.ok()) return trial.status();
  const Result<std::vector<SeriesSummary>> series = ReadSeries(readers, trial->key);
  if (!series.ok()) return series.status();
  MetricQuestion question;
  question.trial = trial->key;
  question.names = {request.names().begin(), request.names().end()};
  for (const SeriesSummary& each : *series) {
    const bool asked =
        question.names.empty() ||
        std::find(question.names.begin(), question.names.end(), each.name) != question.names.end();
    if (asked) *response.add_series() = ToWire(each);
  }
  if (question.names.empty()) return Ok();
  question.include_superseded = request.include_superseded();
  if (request.page_size() > 0) {
    question.limit = std::min<std::size_t>(request.page_size(), limits::kPageSizeMax);
  }
  Result<std::optional<PointPosition>> after = ParsePointToken(request.page_token());
  if (!after.ok()) return after.status();
  question.after = std::move(*after);
  const Result<PointPage> page = ReadPoints(readers, question);
  if (!page.ok()) return page.status();
  const Result<AttemptNumbers> numbers = ReadAttemptNumbers(readers, trial->key);
  if (!numbers.ok()) return numbers.status();
  for (const PointColumns& column : page->columns)
    *response.add_points() = ToWire(column, *numbers);
  if (page->next) response.set_next_page_token(PointToken(*page->next));
  return Ok();
}

TrialService::Unary TrialService::ListMetrics(Call call, const v1::ListMetricsRequest* request,
                                              v1::ListMetricsResponse* response) {
  return Read(edge_, call,
              [this, request, response](Readers&) { return FillMetrics(*request, *response); });
}

grpc::ServerWriteReactor<v1::WatchLogsResponse>* TrialService::WatchLogs(
    Call call, const v1::WatchLogsRequest* request) {
  return watches_.WatchLogs(call, *request);
}

grpc::ServerWriteReactor<v1::WatchMetricsResponse>* TrialService::WatchMetrics(
    Call call, const v1::WatchMetricsRequest* request) {
  return watches_.WatchMetrics(call, *request);
}

}  // namespace fusor
