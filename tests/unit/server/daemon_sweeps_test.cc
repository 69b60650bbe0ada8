// Sweeps over the wire: submit, run, look at, steer.

#include <cmath>

#include "tests/unit/server/daemon_fixture.h"

namespace fusor {
namespace {

class SweepsTest : public DaemonTest {
 protected:
  SweepsTest() { StartDaemon(); }
};

TEST_F(SweepsTest, SubmitRunResults) {
  const std::uint64_t sweep = Submit(kSixTrials);
  EXPECT_EQ(Count(GetSweep(sweep), v1::TRIAL_STATE_READY), 6U);
  const auto worker = Worker();
  worker->Hello({.slots = 2});
  EXPECT_GT(worker->AwaitWelcome().lease_length_ms(), 0);
  RunAll(*worker, 6);

  const v1::Sweep done = GetSweep(0);
  EXPECT_EQ(done.id(), sweep);
  EXPECT_EQ(done.state(), v1::SWEEP_STATE_FINISHED);
  EXPECT_EQ(Count(done, v1::TRIAL_STATE_SUCCEEDED), 6U);
  EXPECT_EQ(done.best_objective(), 6);
  EXPECT_EQ(done.best_trial().cell(), 5U);

  Call call(token_);
  v1::ResultsRequest request;
  v1::ResultsResponse results;
  ASSERT_TRUE(sweeps_->Results(&call, request, &results).ok());
  ASSERT_EQ(results.tables_size(), 1);
  const v1::ResultTable& table = results.tables(0);
  ASSERT_EQ(table.axes_size(), 1);
  EXPECT_EQ(table.axes(0), "steps");
  ASSERT_EQ(table.rows_size(), 2);
  // The grid's last axis is the fastest, the seed the slowest: steps=20 has cells 1, 3, 5.
  EXPECT_EQ(table.rows(0).axis_values(0), "20");
  ASSERT_EQ(table.rows(0).values_size(), 1);
  EXPECT_EQ(table.rows(0).values(0).metric(), "val/accuracy");
  EXPECT_EQ(table.rows(0).values(0).count(), 3U);
  EXPECT_DOUBLE_EQ(table.rows(0).values(0).mean(), 4);
  EXPECT_DOUBLE_EQ(table.rows(0).values(0).spread(), 2);
  EXPECT_DOUBLE_EQ(table.rows(1).values(0).mean(), 3);
  EXPECT_TRUE(results.complete());
}

v1::SessionRequest FusionTrial(std::uint64_t attempt, double fusion) {
  v1::SessionRequest request = InstantTrial(attempt, fusion);
  auto& values = *request.mutable_items(0)
                      ->mutable_facts()
                      ->mutable_facts(1)
                      ->mutable_evaluation()
                      ->mutable_values();
  for (int k = 0; k < 4; ++k) {
    values["val/expert_" + std::to_string(k) + "_accuracy"] = 0.5 + 0.04 * k;
  }
  return request;
}

// Gains are taken trial by trial, their interval is Student's; an expectation looks at the means.
TEST_F(SweepsTest, GainsOverThePartsAndWhatWasExpected) {
  (void)Submit(
      "name: a\nstages:\n  f: {recipe: fusion, axes: {fusion: [concatenation, multiplicative]}, "
      "expect: {val/accuracy: '>= 0.62'}}\nseeds: [0, 1, 2]\n");
  const auto worker = Worker();
  worker->Hello({});
  v1::ResultsResponse results;
  for (int done = 0; done < 6; ++done) {
    Call early(token_);
    ASSERT_TRUE(sweeps_->Results(&early, {}, &results).ok());
    ASSERT_EQ(results.expectations_size(), 1);
    EXPECT_GT(results.expectations(0).open(), 0U);
    const v1::Start start = worker->AwaitStart();
    const int cell = std::stoi(start.trial().substr(start.trial().rfind('.') + 1));
    // concatenation: 0.62, 0.63, 0.64; multiplicative: 0.52, 0.53, 0.54
    const double fusion = (cell % 2 == 0 ? 0.62 : 0.52) + 0.01 * std::floor(cell / 2.0);
    worker->Send(FusionTrial(start.attempt(), fusion));
    worker->AwaitAck(start.attempt(), 3);
  }
  Call call(token_);
  ASSERT_TRUE(sweeps_->Results(&call, {}, &results).ok());
  ASSERT_EQ(results.gains_size(), 1);
  const v1::ResultTable& gains = results.gains(0);
  EXPECT_EQ(gains.stage(), "f");
  ASSERT_EQ(gains.metrics_size(), 5);
  EXPECT_EQ(gains.metrics(1), "expert_mean");
  ASSERT_EQ(gains.rows_size(), 2);
  const v1::ResultRow& first = gains.rows(0);
  EXPECT_EQ(first.axis_values(0), "concatenation");
  EXPECT_NEAR(first.values(0).mean(), 0.63, 1e-12);
  EXPECT_NEAR(first.values(1).mean(), 0.56, 1e-12);
  EXPECT_NEAR(first.values(2).mean(), 0.62, 1e-12);
  EXPECT_NEAR(first.values(3).mean(), 7, 1e-9);
  EXPECT_EQ(first.values(3).count(), 3U);
  // A spread of one point over three seeds: 4.303 / sqrt(3).
  EXPECT_NEAR(first.values(3).interval(), 2.4843, 1e-3);
  EXPECT_NEAR(gains.rows(1).values(4).mean(), -9, 1e-9);

  const v1::ExpectationResult& expected = results.expectations(0);
  EXPECT_EQ(expected.condition(), ">= 0.62");
  EXPECT_EQ(expected.met(), 1U);
  EXPECT_EQ(expected.missed(), 1U);
  EXPECT_EQ(expected.open(), 0U);
  ASSERT_EQ(expected.missed_rows_size(), 1);
  EXPECT_EQ(expected.missed_rows(0).axis_values(0), "multiplicative");
  EXPECT_NEAR(expected.missed_rows(0).values(0).mean(), 0.53, 1e-12);
}

TEST_F(SweepsTest, FallbackTrialsAreFlaggedAndNeverAveragedWithNativeOnes) {
  (void)Submit(
      "name: a\nstages:\n  e: {recipe: expert, axes: {precision: [fp16]}}\nseeds: [0, 1, 2]\n"
      "objective: {metric: val/accuracy, goal: maximize}\nprecision_fallback: {fp16: bf16}\n");
  const auto other = Worker();
  other->Hello({.uid = "bf", .precisions = {"bf16"}});
  const v1::Start fallback = other->AwaitStart();
  EXPECT_EQ(fallback.precision_used(), "bf16");
  const auto native = Worker();
  native->Hello({.uid = "fp", .precisions = {"fp16"}});
  // From here on nothing falls back any more.
  (void)native->AwaitWelcome();
  other->Send(InstantTrial(fallback.attempt(), 100));
  other->AwaitAck(fallback.attempt(), 3);
  for (const double objective : {1.0, 3.0}) {
    const v1::Start start = native->AwaitStart();
    EXPECT_EQ(start.precision_used(), "fp16");
    native->Send(InstantTrial(start.attempt(), objective));
    native->AwaitAck(start.attempt(), 3);
  }
  Call call(token_);
  v1::ResultsResponse results;
  ASSERT_TRUE(sweeps_->Results(&call, {}, &results).ok());
  ASSERT_EQ(results.tables_size(), 1);
  ASSERT_EQ(results.tables(0).rows_size(), 2);
  const v1::ResultRow& first = results.tables(0).rows(0);
  EXPECT_EQ(first.axis_values(0), "fp16");  // it keeps its cell
  EXPECT_EQ(first.precision_used(), "bf16");
  EXPECT_EQ(first.values(0).count(), 1U);
  EXPECT_EQ(first.values(0).mean(), 100);
  const v1::ResultRow& second = results.tables(0).rows(1);
  EXPECT_EQ(second.precision_used(), "");
  EXPECT_EQ(second.values(0).count(), 2U);
  EXPECT_EQ(second.values(0).mean(), 2);
  Call get(token_);
  v1::GetTrialRequest request;
  v1::GetTrialResponse trial;
  request.set_id(fallback.trial());
  ASSERT_TRUE(trials_->Get(&get, request, &trial).ok());
  EXPECT_EQ(trial.trial().precision_used(), "bf16");
  EXPECT_EQ(trial.attempts(0).precision_used(), "bf16");
}

TEST_F(SweepsTest, ARequestIdIsRemembered) {
  const std::uint64_t sweep = Submit(kSixTrials, "once");
  EXPECT_EQ(Submit(kSixTrials, "once"), sweep);
  Call call(token_);
  v1::SubmitRequest request;
  v1::SubmitResponse response;
  request.set_request_id("once");
  request.set_source(std::string(kSixTrials) + "priority: 60\n");
  EXPECT_EQ(sweeps_->Submit(&call, request, &response).error_code(),
            grpc::StatusCode::ALREADY_EXISTS);
  StopDaemon();
  StartDaemon();
  EXPECT_EQ(Submit(kSixTrials, "once"), sweep);
  EXPECT_NE(Submit(kSixTrials, "twice"), sweep);
}

TEST_F(SweepsTest, ProblemsAreAnAnswerAndNothingIsStored) {
  Call call(token_);
  v1::SubmitRequest request;
  v1::SubmitResponse response;
  request.set_source("name: x\nstages:\n  a: {recipe: prob, axes: {stepps: [1]}}\nobjectiv: 3\n");
  ASSERT_TRUE(sweeps_->Submit(&call, request, &response).ok());
  EXPECT_GE(response.problems_size(), 2);
  EXPECT_EQ(response.sweep(), 0U);
  EXPECT_GT(response.problems(0).line(), 0U);
  Call list(token_);
  v1::ListSweepsResponse sweeps;
  ASSERT_TRUE(sweeps_->List(&list, {}, &sweeps).ok());
  EXPECT_EQ(sweeps.sweeps_size(), 0);

  Call large(token_);
  request.set_source(std::string(5 << 20, '#'));
  EXPECT_EQ(sweeps_->Submit(&large, request, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(SweepsTest, PlanAsksTheWorkers) {
  const auto worker = Worker();
  worker->Hello({.slots = 3});
  (void)worker->AwaitWelcome();
  Call call(token_);
  v1::PlanRequest request;
  v1::PlanResponse plan;
  request.set_source(kSixTrials);
  request.add_overrides("stages.probe.axes.steps=[1,2,3]");
  ASSERT_TRUE(sweeps_->Plan(&call, request, &plan).ok());
  EXPECT_EQ(plan.trials(), 9U);
  EXPECT_TRUE(plan.workers_asked());
  ASSERT_EQ(plan.stages_size(), 1);
  ASSERT_EQ(plan.stages(0).classes_size(), 1);
  EXPECT_EQ(plan.stages(0).classes(0).slots_fitting(), 3U);
}

TEST_F(SweepsTest, PagesOfSweeps) {
  for (int i = 0; i < 5; ++i) (void)Submit(kSixTrials);
  std::vector<std::uint64_t> seen;
  v1::ListSweepsRequest request;
  request.set_page_size(2);
  for (;;) {
    Call call(token_);
    v1::ListSweepsResponse page;
    ASSERT_TRUE(sweeps_->List(&call, request, &page).ok());
    for (const v1::Sweep& sweep : page.sweeps()) seen.push_back(sweep.id());
    if (page.next_page_token().empty()) break;
    request.set_page_token(page.next_page_token());
  }
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{5, 4, 3, 2, 1}));
  Call call(token_);
  v1::ListSweepsResponse page;
  request.set_page_token("x");
  EXPECT_EQ(sweeps_->List(&call, request, &page).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(SweepsTest, SteeringIsGuardedByState) {
  const std::uint64_t sweep = Submit(kSixTrials);
  v1::PauseSweepRequest pause;
  pause.set_sweep(sweep);
  v1::PauseSweepResponse paused;
  Call c1(token_);
  ASSERT_TRUE(sweeps_->Pause(&c1, pause, &paused).ok());
  EXPECT_EQ(GetSweep(sweep).state(), v1::SWEEP_STATE_PAUSED);
  v1::SetSweepRequest set;
  set.set_sweep(sweep);
  set.set_priority(80);
  v1::SetSweepResponse was_set;
  Call c2(token_);
  ASSERT_TRUE(sweeps_->Set(&c2, set, &was_set).ok());
  EXPECT_EQ(GetSweep(sweep).priority(), 80);
  set.set_priority(100);
  Call c3(token_);
  EXPECT_EQ(sweeps_->Set(&c3, set, &was_set).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  v1::DeleteSweepRequest remove;
  remove.set_sweep(sweep);
  v1::DeleteSweepResponse removed;
  Call c4(token_);
  EXPECT_EQ(sweeps_->Delete(&c4, remove, &removed).error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
  v1::CancelSweepRequest cancel;
  cancel.set_sweep(sweep);
  v1::CancelSweepResponse canceled;
  Call c5(token_);
  ASSERT_TRUE(sweeps_->Cancel(&c5, cancel, &canceled).ok());
  EXPECT_EQ(canceled.trials(), 6U);
  EXPECT_EQ(Count(GetSweep(sweep), v1::TRIAL_STATE_CANCELED), 6U);
  Call c6(token_);
  ASSERT_TRUE(sweeps_->Delete(&c6, remove, &removed).ok());
  Call c7(token_);
  v1::GetSweepRequest get;
  get.set_sweep(sweep);
  v1::GetSweepResponse gone;
  EXPECT_EQ(sweeps_->Get(&c7, get, &gone).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(SweepsTest, ExtendKeepsOldCellsAndKnowsItsRepeat) {
  const std::uint64_t sweep = Submit(kSixTrials);
  v1::ExtendSweepRequest extend;
  extend.set_sweep(sweep);
  extend.set_request_id("more");
  extend.add_seeds(3);
  extend.add_seeds(4);
  v1::ExtendSweepResponse added;
  for (int i = 0; i < 2; ++i) {
    Call call(token_);
    const grpc::Status status = sweeps_->Extend(&call, extend, &added);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(added.trials_added(), 4U);
  }
  EXPECT_EQ(GetSweep(sweep).trials(), 10U);
  extend.set_request_id("again");
  Call call(token_);
  const grpc::Status refused = sweeps_->Extend(&call, extend, &added);
  EXPECT_FALSE(refused.ok());
  EXPECT_NE(refused.error_message().find('3'), std::string::npos);
  StopDaemon();
  StartDaemon();
  EXPECT_EQ(GetSweep(sweep).trials(), 10U);
}

TEST_F(SweepsTest, WatchSendsEventsFromAnyCursorOn) {
  const std::uint64_t sweep = Submit(kSixTrials);
  const auto worker = Worker();
  worker->Hello({});
  RunAll(*worker, 6);
  const auto watch = [&](std::uint64_t after, std::size_t events) {
    Call call(token_);
    v1::WatchSweepRequest request;
    request.set_sweep(sweep);
    request.set_after_event(after);
    auto stream = sweeps_->Watch(&call, request);
    std::vector<v1::Event> seen;
    v1::WatchSweepResponse response;
    while (seen.size() < events && stream->Read(&response)) {
      for (const v1::Event& event : response.events()) seen.push_back(event);
      EXPECT_FALSE(response.resync());
    }
    call.TryCancel();
    (void)stream->Finish();
    return seen;
  };
  const std::vector<v1::Event> first = watch(0, 8);
  ASSERT_GE(first.size(), 8U);
  EXPECT_EQ(first.front().kind(), "sweep_submitted");
  for (std::size_t i = 1; i < first.size(); ++i) EXPECT_GT(first[i].id(), first[i - 1].id());
  const std::vector<v1::Event> rest = watch(first[3].id(), first.size() - 4);
  ASSERT_GE(rest.size(), first.size() - 4);
  EXPECT_EQ(rest.front().id(), first[4].id());
}

TEST_F(SweepsTest, WatchShowsWhatRunsAndThatItEnds) {
  const std::uint64_t sweep = Submit(kSixTrials);
  Call call(token_);
  v1::WatchSweepRequest request;
  request.set_sweep(sweep);
  auto stream = sweeps_->Watch(&call, request);
  v1::WatchSweepResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.sweep().id(), sweep);
  const auto worker = Worker();
  worker->Hello({});
  const v1::Start start = worker->AwaitStart();
  v1::SessionRequest report;
  v1::Facts& facts = *AddFacts(report, start.attempt(), 1);
  facts.add_facts()->mutable_started()->set_resumed_from_step(-1);
  v1::Progress& progress = *facts.add_facts()->mutable_progress();
  progress.set_step(4);
  progress.set_steps(10);
  progress.set_phase("train");
  worker->Send(report);
  bool shown = false;
  while (!shown && stream->Read(&response)) {
    for (const v1::RunningTrial& running : response.running()) {
      if (running.step() != 4) continue;
      shown = true;
      EXPECT_EQ(running.attempt(), start.attempt());
      EXPECT_EQ(running.worker(), "host-worker-1");
      EXPECT_EQ(running.name(), start.name());
      EXPECT_EQ(running.phase(), "train");
    }
  }
  EXPECT_TRUE(shown);
  v1::CancelSweepRequest cancel;
  cancel.set_sweep(sweep);
  v1::CancelSweepResponse canceled;
  Call c2(token_);
  ASSERT_TRUE(sweeps_->Cancel(&c2, cancel, &canceled).ok());
  bool ended = false;
  while (!ended && stream->Read(&response)) {
    ended = response.has_sweep() && response.sweep().state() == v1::SWEEP_STATE_CANCELED;
  }
  EXPECT_TRUE(ended);
  call.TryCancel();
  (void)stream->Finish();
}

TEST_F(SweepsTest, AReaderThatFallsFarBehindIsTold) {
  std::string values = "1";
  for (int i = 2; i <= 2'000; ++i) values += "," + std::to_string(i);
  const std::uint64_t sweep =
      Submit("name: many\nstages:\n  probe: {recipe: probe, axes: {steps: [" + values +
             "]}}\nseeds: [0, 1, 2]\n");
  // A connection that takes in no more than its reader asks for.
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 16 << 10);
  const auto stub = v1::SweepService::NewStub(grpc::CreateCustomChannel(
      daemon_->endpoint().grpc, grpc::InsecureChannelCredentials(), arguments));
  Call call(token_);
  v1::WatchSweepRequest request;
  request.set_sweep(sweep);
  auto stream = stub->Watch(&call, request);
  v1::WatchSweepResponse response;
  ASSERT_TRUE(stream->Read(&response));
  const auto worker = Worker();
  worker->Hello({.slots = 64});
  RunAll(*worker, 6'000);
  bool told = false;
  while (!told && stream->Read(&response)) told = response.resync();
  EXPECT_TRUE(told);
  EXPECT_EQ(response.events_size(), 0);
  EXPECT_EQ(response.sweep().state(), v1::SWEEP_STATE_FINISHED);
  EXPECT_GT(response.cursor(), 10'000U);
  call.TryCancel();
  (void)stream->Finish();
}

TEST_F(SweepsTest, WatchersHaveALimit) {
  const std::uint64_t sweep = Submit(kSixTrials);
  v1::WatchSweepRequest request;
  request.set_sweep(sweep);
  const std::shared_ptr<grpc::Channel> channel = Connect();
  const auto stub = v1::SweepService::NewStub(channel);
  using Stream = std::unique_ptr<grpc::ClientReader<v1::WatchSweepResponse>>;
  std::vector<std::pair<std::unique_ptr<Call>, Stream>> open;
  v1::WatchSweepResponse response;
  for (std::size_t i = 0; i < options_.watchers_max; ++i) {
    auto call = std::make_unique<Call>(token_);
    Stream stream = stub->Watch(call.get(), request);
    ASSERT_TRUE(stream->Read(&response)) << i;
    open.emplace_back(std::move(call), std::move(stream));
  }
  Call one_more(token_);
  Stream refused = stub->Watch(&one_more, request);
  EXPECT_FALSE(refused->Read(&response));
  EXPECT_EQ(refused->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  for (auto& [call, stream] : open) call->TryCancel();
  for (auto& [call, stream] : open) (void)stream->Finish();
  // Their places are free again.
  EXPECT_TRUE(Becomes([&] {
    Call call(token_);
    Stream stream = stub->Watch(&call, request);
    const bool served = stream->Read(&response);
    call.TryCancel();
    (void)stream->Finish();
    return served;
  }));
}

TEST_F(SweepsTest, WatchOfNoSweepIsRefused) {
  Call call(token_);
  v1::WatchSweepRequest request;
  request.set_sweep(77);
  auto stream = sweeps_->Watch(&call, request);
  v1::WatchSweepResponse response;
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace fusor
