// Every mutating call over the wire: what a repeat of its request_id does, and what it refuses.

#include <functional>
#include <map>

#include "tests/unit/server/daemon_fixture.h"

namespace fusor {
namespace {

constexpr const char* kOneTrial = "name: one\nstages:\n  probe: {recipe: probe}\n";

// A mutating call: `other` asks for other content. What it answers is its code and its number.
struct Answer {
  grpc::StatusCode code = grpc::StatusCode::OK;
  std::uint64_t number = 0;
  friend bool operator==(const Answer&, const Answer&) = default;
};
void PrintTo(const Answer& answer, std::ostream* out) {
  *out << "code " << answer.code << ", number " << answer.number;
}

struct Mutating {
  std::string name;
  std::function<Answer(const std::string& request_id, bool other)> call;
};

class RequestsTest : public DaemonTest {
 protected:
  RequestsTest() {
    // A worker that says nothing is no event while a test counts them.
    options_.lease_length = std::chrono::hours(1);
    StartDaemon();
  }

  template <class Request>
  void SetSweep(Request& request, const std::string& id, bool other) {
    request.set_request_id(id);
    // Another sweep is other content.
    request.set_sweep(other ? sweep_ + 1 : sweep_);
  }

  Answer SubmitOnce(const std::string& id, bool other) {
    v1::SubmitRequest request;
    v1::SubmitResponse response;
    request.set_request_id(id);
    request.set_source(std::string(kSixTrials) + (other ? "priority: 60\n" : ""));
    Call call(token_);
    const grpc::Status status = sweeps_->Submit(&call, request, &response);
    return {status.error_code(), response.sweep()};
  }
  Answer Pause(const std::string& id, bool other) {
    v1::PauseSweepRequest request;
    v1::PauseSweepResponse response;
    SetSweep(request, id, other);
    Call call(token_);
    return {sweeps_->Pause(&call, request, &response).error_code()};
  }
  Answer Resume(const std::string& id, bool other) {
    v1::ResumeSweepRequest request;
    v1::ResumeSweepResponse response;
    SetSweep(request, id, other);
    Call call(token_);
    return {sweeps_->Resume(&call, request, &response).error_code()};
  }
  Answer Set(const std::string& id, bool other) {
    v1::SetSweepRequest request;
    v1::SetSweepResponse response;
    SetSweep(request, id, other);
    request.set_max_running(3);
    Call call(token_);
    return {sweeps_->Set(&call, request, &response).error_code()};
  }
  Answer Extend(const std::string& id, bool other) {
    v1::ExtendSweepRequest request;
    v1::ExtendSweepResponse response;
    request.set_request_id(id);
    request.set_sweep(sweep_);
    request.add_seeds(other ? 8 : 7);
    Call call(token_);
    const grpc::Status status = sweeps_->Extend(&call, request, &response);
    return {status.error_code(), response.trials_added()};
  }
  Answer CancelSome(const std::string& id, bool other) {
    v1::CancelTrialsRequest request;
    v1::CancelTrialsResponse response;
    request.set_request_id(id);
    request.add_trials(std::to_string(sweep_) + (other ? ".probe.2" : ".probe.1"));
    Call call(token_);
    const grpc::Status status = trials_->Cancel(&call, request, &response);
    return {status.error_code(), response.trials()};
  }
  Answer Retry(const std::string& id, bool other) {
    v1::RetryTrialsRequest request;
    v1::RetryTrialsResponse response;
    request.set_request_id(id);
    request.add_trials(std::to_string(sweep_) + (other ? ".probe.2" : ".probe.1"));
    Call call(token_);
    const grpc::Status status = trials_->Retry(&call, request, &response);
    return {status.error_code(), response.trials()};
  }
  Answer Drain(const std::string& id, bool other) {
    v1::DrainRequest request;
    v1::DrainResponse response;
    request.set_request_id(id);
    request.set_worker("host-w");
    request.set_reason(other ? "for another reason" : "for a new disk");
    Call call(token_);
    return {cluster_->Drain(&call, request, &response).error_code()};
  }
  Answer ResumeWorker(const std::string& id, bool other) {
    v1::ResumeWorkerRequest request;
    v1::ResumeWorkerResponse response;
    request.set_request_id(id);
    request.set_worker(other ? "1" : "host-w");
    Call call(token_);
    return {cluster_->Resume(&call, request, &response).error_code()};
  }
  Answer Cancel(const std::string& id, bool other) {
    v1::CancelSweepRequest request;
    v1::CancelSweepResponse response;
    SetSweep(request, id, other);
    Call call(token_);
    const grpc::Status status = sweeps_->Cancel(&call, request, &response);
    return {status.error_code(), response.trials()};
  }
  Answer Delete(const std::string& id, bool other) {
    v1::DeleteSweepRequest request;
    v1::DeleteSweepResponse response;
    SetSweep(request, id, other);
    Call call(token_);
    return {sweeps_->Delete(&call, request, &response).error_code()};
  }

  // All of them, in an order in which each succeeds.
  std::vector<Mutating> All() {
    const auto bind = [this](auto method) {
      return
          [this, method](const std::string& id, bool other) { return (this->*method)(id, other); };
    };
    return {{"Submit", bind(&RequestsTest::SubmitOnce)},
            {"Pause", bind(&RequestsTest::Pause)},
            {"Resume", bind(&RequestsTest::Resume)},
            {"Set", bind(&RequestsTest::Set)},
            {"Extend", bind(&RequestsTest::Extend)},
            {"CancelTrials", bind(&RequestsTest::CancelSome)},
            {"Retry", bind(&RequestsTest::Retry)},
            {"Drain", bind(&RequestsTest::Drain)},
            {"ResumeWorker", bind(&RequestsTest::ResumeWorker)},
            {"Cancel", bind(&RequestsTest::Cancel)},
            {"Delete", bind(&RequestsTest::Delete)}};
  }

  // The events so far: what has happened to anything.
  std::uint64_t Events() {
    Call call(token_);
    auto stream = sweeps_->Watch(&call, v1::WatchSweepRequest());
    v1::WatchSweepResponse response;
    std::uint64_t events = 0;
    EXPECT_TRUE(stream->Read(&response));
    events = response.cursor();
    call.TryCancel();
    (void)stream->Finish();
    return events;
  }

  std::uint64_t sweep_ = 0;
};

TEST_F(RequestsTest, EveryMutatingCallActsOncePerRequestId) {
  sweep_ = Submit(kSixTrials);
  const auto worker = Worker();  // one that may be drained, and gets nothing to run
  worker->Hello({.uid = "w", .slots = 0});
  (void)worker->AwaitWelcome();
  std::map<std::string, Answer> answers;
  for (const Mutating& each : All()) {
    SCOPED_TRACE(each.name);
    const std::string id = "of " + each.name;
    const Answer first = each.call(id, false);
    EXPECT_EQ(first.code, grpc::StatusCode::OK);
    const std::uint64_t events = Events();
    EXPECT_EQ(each.call(id, false), first);
    EXPECT_EQ(each.call(id, true).code, grpc::StatusCode::ALREADY_EXISTS);
    EXPECT_EQ(Events(), events) << "a repeat has done something";
    answers[each.name] = first;
  }
  EXPECT_EQ(answers["Extend"].number, 2U);
  EXPECT_EQ(answers["CancelTrials"].number, 1U);
  EXPECT_EQ(answers["Cancel"].number, 8U);

  // Remembered over a restart, and when what they were about is gone: the sweep was removed.
  StopDaemon();
  StartDaemon();
  const std::uint64_t events = Events();
  for (const Mutating& each : All()) {
    SCOPED_TRACE(each.name);
    EXPECT_EQ(each.call("of " + each.name, false), answers[each.name]);
    EXPECT_EQ(each.call("of " + each.name, true).code, grpc::StatusCode::ALREADY_EXISTS);
  }
  EXPECT_EQ(Events(), events);
}

TEST_F(RequestsTest, OneIdForTwoMethodsIsAClash) {
  sweep_ = Submit(kSixTrials);
  EXPECT_EQ(Pause("the same", false).code, grpc::StatusCode::OK);
  EXPECT_EQ(Resume("the same", false).code, grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(GetSweep(sweep_).state(), v1::SWEEP_STATE_PAUSED);
}

TEST_F(RequestsTest, WhatWasRefusedMayBeTriedAgainUnderTheSameId) {
  sweep_ = Submit(kSixTrials);
  EXPECT_EQ(Delete("d", false).code, grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(Cancel("c", false).code, grpc::StatusCode::OK);
  EXPECT_EQ(Delete("d", false).code, grpc::StatusCode::OK);
}

TEST_F(RequestsTest, WhatDoesNotExistIsNotFound) {
  sweep_ = 77;
  for (const Mutating& each : All()) {
    if (each.name == "Submit") continue;
    SCOPED_TRACE(each.name);
    EXPECT_EQ(each.call("", false).code, grpc::StatusCode::NOT_FOUND);
  }
}

TEST_F(RequestsTest, AnIdHasALimit) {
  sweep_ = Submit(kSixTrials);
  for (const Mutating& each : All()) {
    SCOPED_TRACE(each.name);
    EXPECT_EQ(each.call(std::string(257, 'x'), false).code, grpc::StatusCode::INVALID_ARGUMENT);
  }
  EXPECT_EQ(Pause(std::string(256, 'x'), false).code, grpc::StatusCode::OK);
}

TEST_F(RequestsTest, MovesThatTheStateDoesNotAllowAreRefused) {
  sweep_ = Submit(kOneTrial);
  EXPECT_EQ(Delete("", false).code, grpc::StatusCode::FAILED_PRECONDITION);
  v1::RetryTrialsRequest retry;
  v1::RetryTrialsResponse retried;
  retry.add_trials("last.probe.0");
  {
    Call call(token_);
    EXPECT_EQ(trials_->Retry(&call, retry, &retried).error_code(),
              grpc::StatusCode::FAILED_PRECONDITION);
  }
  const auto worker = Worker();
  worker->Hello({});
  RunAll(*worker, 1);
  EXPECT_EQ(GetSweep(sweep_).state(), v1::SWEEP_STATE_FINISHED);
  EXPECT_EQ(Pause("", false).code, grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(Resume("", false).code, grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(Cancel("", false).code, grpc::StatusCode::FAILED_PRECONDITION);
  {
    Call call(token_);
    EXPECT_EQ(trials_->Retry(&call, retry, &retried).error_code(),
              grpc::StatusCode::FAILED_PRECONDITION);
  }
  sweep_ = Submit(kOneTrial);
  EXPECT_EQ(Cancel("", false).code, grpc::StatusCode::OK);
  EXPECT_EQ(Extend("", false).code, grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(Pause("", false).code, grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(RequestsTest, ThoseWhoNameNoTrialsOrTooManyAreRefused) {
  sweep_ = Submit(kOneTrial);
  v1::CancelTrialsRequest cancel;
  v1::CancelTrialsResponse canceled;
  {
    Call call(token_);
    EXPECT_EQ(trials_->Cancel(&call, cancel, &canceled).error_code(),
              grpc::StatusCode::INVALID_ARGUMENT);
  }
  for (std::size_t i = 0; i <= limits::kPageSizeMax; ++i) cancel.add_trials("last.probe.0");
  {
    Call call(token_);
    EXPECT_EQ(trials_->Cancel(&call, cancel, &canceled).error_code(),
              grpc::StatusCode::RESOURCE_EXHAUSTED);
  }
  v1::DeleteSweepRequest remove;
  v1::DeleteSweepResponse removed;
  Call call(token_);
  EXPECT_EQ(sweeps_->Delete(&call, remove, &removed).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace fusor
