// While the coordinator cannot write: another program holds the lock of state.db. Nothing is
// promised, reads go on, and when the lock is given up everything goes on where it stood.

#include "coordinator/store/sqlite.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/unit/server/daemon_fixture.h"

namespace fusor {
namespace {

using HealthResponse = grpc::health::v1::HealthCheckResponse;

class FrozenTest : public DaemonTest {
 protected:
  FrozenTest() { StartDaemon(); }

  void Lock() {
    Result<sql::Database> database =
        sql::Database::Open(options_.data / "state.db", sql::Access::kWrite);
    ASSERT_TRUE(database.ok());
    foreign_.emplace(std::move(*database));
    // The daemon may be in the middle of a commit of its own.
    ASSERT_TRUE(Becomes([&] { return foreign_->Execute("BEGIN IMMEDIATE").ok(); }));
  }
  void Unlock() {
    ASSERT_TRUE(foreign_->Execute("ROLLBACK").ok());
    EXPECT_TRUE(Becomes([&] { return Health() == HealthResponse::SERVING; }));
  }

  grpc::Status Pause(std::uint64_t sweep, const std::string& request_id) {
    v1::PauseSweepRequest request;
    v1::PauseSweepResponse response;
    request.set_sweep(sweep);
    request.set_request_id(request_id);
    Call call(token_);
    return sweeps_->Pause(&call, request, &response);
  }
  HealthResponse::ServingStatus Health() {
    const auto stub = grpc::health::v1::Health::NewStub(Connect());
    HealthResponse response;
    Call call(token_);
    EXPECT_TRUE(stub->Check(&call, {}, &response).ok());
    return response.status();
  }

  std::optional<sql::Database> foreign_;
};

TEST_F(FrozenTest, MutatingCallsAreUnavailableAndMayBeRepeated) {
  const std::uint64_t sweep = Submit(kSixTrials);
  Lock();
  // The first one finds out and is answered although it waited already.
  const grpc::Status first = Pause(sweep, "p");
  EXPECT_EQ(first.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_NE(first.error_message().find("cannot write: state.db"), std::string::npos)
      << first.error_message();
  EXPECT_EQ(Pause(sweep, "p").error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Health(), HealthResponse::NOT_SERVING);
  const auto [code, text] = Get("/healthz", "");
  EXPECT_EQ(code, 503);
  EXPECT_NE(text.find("state.db"), std::string::npos) << text;
  {
    Call call(token_);
    v1::GetInfoResponse info;
    ASSERT_TRUE(cluster_->GetInfo(&call, {}, &info).ok());
    EXPECT_FALSE(info.serving());
    EXPECT_NE(info.health().find("state.db"), std::string::npos);
  }
  Unlock();
  // The turn was kept: what was asked for is done, and its repeat is answered.
  EXPECT_TRUE(Becomes([&] { return GetSweep(sweep).state() == v1::SWEEP_STATE_PAUSED; }));
  EXPECT_TRUE(Pause(sweep, "p").ok());
  EXPECT_EQ(Get("/healthz", "").first, 200);
}

// One trial has succeeded, one runs, four wait; then the lock is taken.
class FrozenReadsTest : public FrozenTest {
 protected:
  FrozenReadsTest() {
    const std::uint64_t sweep = Submit(kSixTrials);
    worker_ = Worker();
    worker_->Hello({});
    const v1::Start done = worker_->AwaitStart();
    worker_->Send(InstantTrial(done.attempt(), 1));
    worker_->AwaitAck(done.attempt(), 3);
    running_ = worker_->AwaitStart().trial();
    Lock();
    EXPECT_EQ(Pause(sweep, "").error_code(), grpc::StatusCode::UNAVAILABLE);
  }

  v1::ListTrialsResponse List(const v1::ListTrialsRequest& request) {
    v1::ListTrialsResponse response;
    Call call(token_);
    const grpc::Status status = trials_->List(&call, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  std::unique_ptr<TestWorker> worker_;
  std::string running_;
};

TEST_F(FrozenReadsTest, TrialsAreListedFromTheFiles) {
  v1::ListTrialsRequest request;
  const v1::ListTrialsResponse all = List(request);
  ASSERT_EQ(all.trials_size(), 6);
  EXPECT_EQ(all.total(), 6U);
  EXPECT_EQ(all.trials(0).state(), v1::TRIAL_STATE_SUCCEEDED);
  EXPECT_EQ(all.trials(1).state(), v1::TRIAL_STATE_RUNNING);
  EXPECT_EQ(all.trials(5).state(), v1::TRIAL_STATE_READY);
  request.add_states(v1::TRIAL_STATE_RUNNING);
  const v1::ListTrialsResponse running = List(request);
  ASSERT_EQ(running.trials_size(), 1);
  EXPECT_EQ(running.trials(0).id(), running_);
  EXPECT_EQ(running.total(), 1U);
  v1::GetTrialRequest get;
  v1::GetTrialResponse got;
  get.set_id("1.probe.5");
  Call call(token_);
  ASSERT_TRUE(trials_->Get(&call, get, &got).ok());
  EXPECT_EQ(got.trial().state(), v1::TRIAL_STATE_READY);
  Unlock();
}

TEST_F(FrozenReadsTest, SweepsResultsAndWorkersAreShown) {
  const v1::Sweep shown = GetSweep(0);
  EXPECT_EQ(Count(shown, v1::TRIAL_STATE_SUCCEEDED), 1U);
  EXPECT_EQ(Count(shown, v1::TRIAL_STATE_READY), 4U);
  Call of_results(token_);
  v1::ResultsResponse results;
  const grpc::Status status = sweeps_->Results(&of_results, {}, &results);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(results.tables(0).rows(0).succeeded(), 1U);
  Call of_workers(token_);
  v1::ListWorkersResponse workers;
  ASSERT_TRUE(cluster_->ListWorkers(&of_workers, {}, &workers).ok());
  EXPECT_EQ(workers.workers_size(), 1);
  Unlock();
}

TEST_F(FrozenReadsTest, WhatOnlyTheCoreKnowsIsMissing) {
  Call of_plan(token_);
  v1::PlanRequest request;
  v1::PlanResponse plan;
  request.set_source(kSixTrials);
  ASSERT_TRUE(sweeps_->Plan(&of_plan, request, &plan).ok());
  EXPECT_EQ(plan.trials(), 6U);
  EXPECT_FALSE(plan.workers_asked());
  Call of_explain(token_);
  v1::ExplainTrialRequest explain;
  v1::ExplainTrialResponse reasons;
  explain.set_id("1.probe.5");
  EXPECT_EQ(trials_->Explain(&of_explain, explain, &reasons).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  Unlock();
}

TEST_F(FrozenTest, WorkersAreToldNothingUntilItIsOnDisk) {
  const std::uint64_t sweep = Submit(kSixTrials);
  const auto worker = Worker();
  worker->Hello({});
  const v1::Start start = worker->AwaitStart();
  Lock();
  worker->Send(InstantTrial(start.attempt(), 7));
  EXPECT_TRUE(Becomes([&] { return Health() == HealthResponse::NOT_SERVING; }));
  EXPECT_EQ(Count(GetSweep(sweep), v1::TRIAL_STATE_SUCCEEDED), 0U);
  EXPECT_FALSE(worker->Has([](const auto& item) { return item.has_ack() || item.has_start(); }));
  Unlock();
  worker->AwaitAck(start.attempt(), 3);
  EXPECT_EQ(worker->AwaitStart().trial(), "1.probe.1");
  EXPECT_EQ(Count(GetSweep(sweep), v1::TRIAL_STATE_SUCCEEDED), 1U);
}

TEST_F(FrozenTest, HealthWatchersAreToldBoth) {
  const std::uint64_t sweep = Submit(kSixTrials);
  const auto stub = grpc::health::v1::Health::NewStub(Connect());
  Call call(token_);
  auto watch = stub->Watch(&call, grpc::health::v1::HealthCheckRequest());
  HealthResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthResponse::SERVING);
  Lock();
  ASSERT_EQ(Pause(sweep, "").error_code(), grpc::StatusCode::UNAVAILABLE);
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthResponse::NOT_SERVING);
  Unlock();
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthResponse::SERVING);
  call.TryCancel();
  (void)watch->Finish();
}

TEST_F(FrozenTest, AStopMeanwhileIsOrderlyAndLosesNothingAcknowledged) {
  const std::uint64_t sweep = Submit(kSixTrials);
  Lock();
  ASSERT_EQ(Pause(sweep, "p").error_code(), grpc::StatusCode::UNAVAILABLE);
  StopDaemon();
  ASSERT_TRUE(foreign_->Execute("ROLLBACK").ok());
  foreign_.reset();
  StartDaemon();
  EXPECT_EQ(Count(GetSweep(sweep), v1::TRIAL_STATE_READY), 6U);
  EXPECT_TRUE(Pause(sweep, "p").ok());
}

}  // namespace
}  // namespace fusor
