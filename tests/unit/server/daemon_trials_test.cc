// Trials over the wire: one, lists with filters and pages, why they wait, logs and metrics.

#include <gmock/gmock.h>

#include <cmath>

#include "tests/unit/server/daemon_fixture.h"

namespace fusor {
namespace {

class TrialsTest : public DaemonTest {
 protected:
  TrialsTest() { StartDaemon(); }

  grpc::Status GetTrial(const std::string& id, v1::GetTrialResponse* response) {
    v1::GetTrialRequest request;
    request.set_id(id);
    Call call(token_);
    return trials_->Get(&call, request, response);
  }

  // The ids of the trials that match, by pages of `page_size`.
  std::vector<std::string> List(v1::ListTrialsRequest request, std::uint32_t page_size,
                                std::uint64_t* total = nullptr) {
    std::vector<std::string> ids;
    request.set_page_size(page_size);
    for (;;) {
      Call call(token_);
      v1::ListTrialsResponse page;
      const grpc::Status status = trials_->List(&call, request, &page);
      EXPECT_TRUE(status.ok()) << status.error_message();
      if (!status.ok()) return ids;
      EXPECT_LE(page.trials_size(), static_cast<int>(page_size == 0 ? 10'000 : page_size));
      for (const v1::Trial& trial : page.trials()) ids.push_back(trial.id());
      if (total != nullptr) *total = page.total();
      if (page.next_page_token().empty()) return ids;
      request.set_page_token(page.next_page_token());
    }
  }
  static v1::ListTrialsRequest Where(const std::string& where) {
    v1::ListTrialsRequest request;
    request.set_where(where);
    return request;
  }

  // The best trial's id, or why there is none.
  std::string Best(const std::string& stage, const std::string& where) {
    v1::BestTrialRequest request;
    v1::BestTrialResponse response;
    request.set_stage(stage);
    request.set_where(where);
    Call call(token_);
    const grpc::Status status = trials_->Best(&call, request, &response);
    return status.ok() ? response.id() : status.error_message();
  }

  std::vector<std::string> Reasons(const std::string& trial) {
    v1::ExplainTrialRequest request;
    v1::ExplainTrialResponse response;
    request.set_id(trial);
    Call call(token_);
    const grpc::Status status = trials_->Explain(&call, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return {response.reasons().begin(), response.reasons().end()};
  }
};

// Facts 1.. of a running attempt: it has started, says two lines and has two points.
v1::SessionRequest BeginTrial(std::uint64_t attempt) {
  v1::SessionRequest request;
  v1::Facts& facts = *AddFacts(request, attempt, 1);
  facts.add_facts()->mutable_started()->set_resumed_from_step(-1);
  facts.add_facts()->mutable_log()->set_text("first");
  v1::LogText& second = *facts.add_facts()->mutable_log();
  second.set_text(std::string("any \xff\x00 bytes", 12));
  second.set_is_error_stream(true);
  v1::MetricColumns& columns = *facts.add_facts()->mutable_metrics();
  for (const char* name : {"train/loss", "train/rate"}) columns.add_names(name);
  for (const int step : {1, 2}) columns.add_steps(step);
  for (const double value : {0.5, 0.25, 100.0, std::nan("")}) columns.add_values(value);
  return request;
}

v1::Fact EndOfTrial() {
  v1::Fact fact;
  fact.mutable_final()->set_outcome(v1::OUTCOME_KIND_SUCCEEDED);
  fact.mutable_final()->set_step(10);
  return fact;
}

TEST_F(TrialsTest, OneTrialByTextOrParts) {
  (void)Submit(kSixTrials);
  v1::GetTrialResponse response;
  ASSERT_TRUE(GetTrial("1.probe.3", &response).ok());
  EXPECT_EQ(response.trial().id(), "1.probe.3");
  EXPECT_EQ(response.trial().state(), v1::TRIAL_STATE_READY);
  EXPECT_EQ(response.trial().reason(), "waits for slots");
  EXPECT_EQ(response.trial().params().at("steps"), "20");
  EXPECT_EQ(response.trial().params().at("seed"), "1");
  EXPECT_THAT(response.chosen_params(), testing::ElementsAre("seed", "steps"));
  ASSERT_TRUE(GetTrial("last.pr.3", &response).ok());
  EXPECT_EQ(response.trial().id(), "1.probe.3");
  v1::GetTrialRequest by_parts;
  by_parts.mutable_ref()->set_sweep(1);
  by_parts.mutable_ref()->set_cell(3);
  Call call(token_);
  ASSERT_TRUE(trials_->Get(&call, by_parts, &response).ok());
  EXPECT_EQ(response.trial().id(), "1.probe.3");

  EXPECT_EQ(GetTrial("2.probe.3", &response).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(GetTrial("1.probes.3", &response).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(GetTrial("1.probe.6", &response).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(GetTrial("nonsense", &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(GetTrial("", &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(TrialsTest, TheBestOfThoseThatFit) {
  (void)Submit(kSixTrials);
  EXPECT_EQ(Best("", ""), "sweep 1 has no best trial: none has reported val/accuracy yet");
  EXPECT_EQ(Best("probe", "steps=10"),
            "sweep 1 has no best trial: none that fits has reported val/accuracy yet");
  const auto worker = Worker();
  worker->Hello({});
  RunAll(*worker, 6);
  EXPECT_EQ(Best("", ""), "1.probe.5") << "their objective is their cell + 1";
  EXPECT_EQ(Best("probe", "seed=1"), "1.probe.3");
  EXPECT_EQ(Best("pro", "seed<2,steps=10"), "1.probe.2");
  EXPECT_THAT(Best("prob3", ""), testing::HasSubstr("no stage 'prob3'"));
  EXPECT_THAT(Best("", "step=10"), testing::HasSubstr("steps"));
}

TEST_F(TrialsTest, ATrialTellsItsAttemptsAndWhatHappened) {
  (void)Submit("name: a\nstages:\n  probe: {recipe: probe}\nretry: {crashes: 0}\n");
  const auto worker = Worker();
  worker->Hello({});
  const v1::Start start = worker->AwaitStart();
  v1::SessionRequest report;
  v1::Facts& facts = *AddFacts(report, start.attempt(), 1);
  v1::Started& started = *facts.add_facts()->mutable_started();
  started.set_resumed_from_step(-1);
  (*started.mutable_info())["host"] = "n1";
  v1::Final& final_fact = *facts.add_facts()->mutable_final();
  final_fact.set_outcome(v1::OUTCOME_KIND_FAILED);
  final_fact.set_failure("crashed(signal)");
  final_fact.set_code(11);
  final_fact.add_log_tail("the last words");
  worker->Send(report);
  worker->AwaitAck(start.attempt(), 2);

  v1::GetTrialResponse response;
  ASSERT_TRUE(GetTrial("1.probe.0", &response).ok());
  EXPECT_EQ(response.trial().state(), v1::TRIAL_STATE_FAILED);
  EXPECT_EQ(response.trial().failure(), "crashed(signal)");
  EXPECT_EQ(response.trial().attempts(), 1U);
  ASSERT_EQ(response.attempts_size(), 1);
  const v1::Attempt& attempt = response.attempts(0);
  EXPECT_EQ(attempt.number(), 1U);
  EXPECT_EQ(attempt.state(), "ended");
  EXPECT_EQ(attempt.outcome(), "crashed(signal)");
  EXPECT_EQ(attempt.worker(), "host-worker-1");
  EXPECT_EQ(attempt.info().at("host"), "n1");
  ASSERT_EQ(attempt.log_tail_size(), 1);
  EXPECT_EQ(attempt.log_tail(0), "the last words");
  EXPECT_NE(attempt.granted_because().find("priority 50"), std::string::npos);
  std::vector<std::string> kinds;
  for (const v1::Event& event : response.events()) kinds.push_back(event.kind());
  EXPECT_EQ(kinds.front(), "trial_moved");
  EXPECT_EQ(kinds.back(), "trial_moved");

  v1::RetryTrialsRequest retry;
  v1::RetryTrialsResponse retried;
  retry.set_sweep(1);
  Call call(token_);
  ASSERT_TRUE(trials_->Retry(&call, retry, &retried).ok());
  EXPECT_EQ(retried.trials(), 1U);
  EXPECT_EQ(worker->AwaitStart().number(), 2U);  // numbers go on
}

TEST_F(TrialsTest, PagesHoldEveryTrialOnce) {
  (void)Submit(kSixTrials);
  const std::vector<std::string> all = {"1.probe.0", "1.probe.1", "1.probe.2",
                                        "1.probe.3", "1.probe.4", "1.probe.5"};
  for (const std::uint32_t page_size : {0U, 1U, 2U, 4U, 6U, 100'000U}) {
    std::uint64_t total = 0;
    EXPECT_EQ(List({}, page_size, &total), all) << page_size;
    EXPECT_EQ(total, 6U);
  }
  // Trials with a row and those without are one list.
  const auto worker = Worker();
  worker->Hello({});
  worker->Send(InstantTrial(worker->AwaitStart().attempt(), 1));
  (void)worker->AwaitStart();
  EXPECT_EQ(List({}, 4), all);
}

TEST_F(TrialsTest, FiltersByValueAndState) {
  (void)Submit(kSixTrials);
  const auto worker = Worker();
  worker->Hello({});
  const v1::Start first = worker->AwaitStart();
  worker->Send(InstantTrial(first.attempt(), 1));
  worker->AwaitAck(first.attempt(), 3);
  (void)worker->AwaitStart();

  std::uint64_t total = 0;
  const std::vector<std::string> twenties = {"1.probe.1", "1.probe.3", "1.probe.5"};
  EXPECT_EQ(List(Where("steps=20"), 0, &total), twenties);
  EXPECT_EQ(total, 3U);
  EXPECT_EQ(List(Where("steps=20"), 2, &total), twenties);
  EXPECT_EQ(total, 3U);
  EXPECT_EQ(List(Where("steps>10 && seed>=1"), 0),
            (std::vector<std::string>{"1.probe.3", "1.probe.5"}));
  EXPECT_EQ(List(Where("steps=30"), 0), std::vector<std::string>());

  v1::ListTrialsRequest done;
  done.add_states(v1::TRIAL_STATE_SUCCEEDED);
  EXPECT_EQ(List(done, 0, &total), std::vector<std::string>{first.trial()});
  EXPECT_EQ(total, 1U);
  v1::ListTrialsRequest waiting = Where("steps=10");
  waiting.add_states(v1::TRIAL_STATE_READY);
  waiting.add_states(v1::TRIAL_STATE_RUNNING);
  EXPECT_EQ(List(waiting, 1, &total), (std::vector<std::string>{"1.probe.2", "1.probe.4"}));
  EXPECT_EQ(total, 2U);
}

TEST_F(TrialsTest, QuestionsThatMakeNoSenseAreRefusedWithTheRemedy) {
  (void)Submit(kSixTrials);
  const auto refused = [&](const v1::ListTrialsRequest& request) {
    Call call(token_);
    v1::ListTrialsResponse response;
    return trials_->List(&call, request, &response);
  };
  const grpc::Status misspelt = refused(Where("stepps=20"));
  EXPECT_EQ(misspelt.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_NE(misspelt.error_message().find("steps"), std::string::npos) << misspelt.error_message();
  EXPECT_EQ(refused(Where("steps ~ 20")).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  v1::ListTrialsRequest request;
  request.set_page_token("7");
  EXPECT_EQ(refused(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request.clear_page_token();
  request.add_states(static_cast<v1::TrialState>(99));
  EXPECT_EQ(refused(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request.clear_states();
  request.set_sweep(5);
  EXPECT_EQ(refused(request).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(TrialsTest, ExplainSaysWhyInOrder) {
  (void)Submit(std::string(kSixTrials) + "max_running: 1\n");
  EXPECT_EQ(Reasons("1.probe.0"),
            std::vector<std::string>{"no worker with a usable slot is connected"});
  const auto worker = Worker();
  worker->Hello({.uid = "w"});
  (void)worker->AwaitStart();
  EXPECT_EQ(Reasons("1.probe.0"), std::vector<std::string>());  // it runs
  EXPECT_EQ(Reasons("1.probe.1"),
            (std::vector<std::string>{
                "max_running is 1, and so many trials of the sweep run",
                "needs 1 slot, precision fp32; the largest free is 0 on host-w (busy with "
                "1.probe.0)"}));
  v1::ExplainTrialRequest request;
  v1::ExplainTrialResponse response;
  request.set_id("1.probe.9");
  Call call(token_);
  EXPECT_EQ(trials_->Explain(&call, request, &response).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(TrialsTest, LogLinesKeepAnyByteAndGoOnFromACursor) {
  (void)Submit(kSixTrials);
  const auto worker = Worker();
  worker->Hello({.slots = 2});
  const v1::Start one = worker->AwaitStart();
  const v1::Start other = worker->AwaitStart();
  worker->Send(BeginTrial(one.attempt()));
  worker->AwaitAck(one.attempt(), 4);
  worker->Send(BeginTrial(other.attempt()));
  worker->AwaitAck(other.attempt(), 4);
  const auto read = [&](const v1::WatchLogsRequest& request) {
    Call call(token_);
    auto stream = trials_->WatchLogs(&call, request);
    std::vector<v1::LogLine> lines;
    v1::WatchLogsResponse response;
    while (stream->Read(&response)) {
      lines.insert(lines.end(), response.lines().begin(), response.lines().end());
    }
    EXPECT_TRUE(stream->Finish().ok());
    return lines;
  };
  v1::WatchLogsRequest request;
  const std::vector<v1::LogLine> all = read(request);
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0].text(), "first");
  EXPECT_EQ(all[0].trial_name(), one.name());
  EXPECT_EQ(all[0].attempt_number(), 1U);
  EXPECT_EQ(all[1].text(), std::string("any \xff\x00 bytes", 12));
  EXPECT_TRUE(all[1].is_error_stream());
  EXPECT_EQ(all[2].trial_name(), other.name());

  request.set_cursor(all[1].cursor());
  EXPECT_EQ(read(request).size(), 2U);
  request.clear_cursor();
  request.set_tail(1);
  ASSERT_EQ(read(request).size(), 1U);
  EXPECT_EQ(read(request)[0].cursor(), all[3].cursor());
  request.clear_tail();
  request.set_trial(one.trial());
  EXPECT_EQ(read(request).size(), 2U);
}

TEST_F(TrialsTest, FollowedLogsEndWithTheirTrial) {
  (void)Submit(kSixTrials);
  const auto worker = Worker();
  worker->Hello({});
  const v1::Start start = worker->AwaitStart();
  v1::WatchLogsRequest request;
  request.set_trial(start.trial());
  request.set_follow(true);
  Call call(token_);
  auto stream = trials_->WatchLogs(&call, request);
  worker->Send(BeginTrial(start.attempt()));
  v1::WatchLogsResponse response;
  std::vector<std::string> lines;
  while (lines.size() < 2 && stream->Read(&response)) {
    for (const v1::LogLine& line : response.lines()) lines.push_back(line.text());
  }
  EXPECT_EQ(lines.size(), 2U);
  v1::SessionRequest rest;
  v1::Facts& facts = *AddFacts(rest, start.attempt(), 5);
  facts.add_facts()->mutable_log()->set_text("the end");
  *facts.add_facts() = EndOfTrial();
  worker->Send(rest);
  while (stream->Read(&response)) {
    for (const v1::LogLine& line : response.lines()) lines.push_back(line.text());
  }
  EXPECT_TRUE(stream->Finish().ok());
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines.back(), "the end");
}

TEST_F(TrialsTest, MetricsAreSummedUpAndPaged) {
  (void)Submit(kSixTrials);
  const auto worker = Worker();
  worker->Hello({});
  const v1::Start start = worker->AwaitStart();
  worker->Send(BeginTrial(start.attempt()));
  worker->AwaitAck(start.attempt(), 4);
  v1::ListMetricsRequest request;
  request.set_trial(start.trial());
  v1::ListMetricsResponse response;
  const auto list = [&] {
    Call call(token_);
    response.Clear();
    return trials_->ListMetrics(&call, request, &response);
  };
  ASSERT_TRUE(list().ok());
  ASSERT_EQ(response.series_size(), 2);
  EXPECT_EQ(response.series(0).name(), "train/loss");
  EXPECT_EQ(response.series(0).points(), 2U);
  EXPECT_EQ(response.series(0).last(), 0.25);
  EXPECT_EQ(response.series(0).min(), 0.25);
  EXPECT_EQ(response.series(0).max(), 0.5);
  EXPECT_EQ(response.points_size(), 0);

  request.add_names("train/loss");
  request.add_names("train/rate");
  request.set_page_size(3);
  ASSERT_TRUE(list().ok());
  std::vector<std::string> seen;
  for (;;) {
    for (const v1::Points& points : response.points()) {
      for (int i = 0; i < points.steps_size(); ++i) {
        seen.push_back(points.name() + "@" + std::to_string(points.steps(i)));
        EXPECT_EQ(points.attempt_numbers(i), 1U);
        const bool nan = points.nonfinite_size() > 0 && points.nonfinite(i) == v1::NONFINITE_NAN;
        EXPECT_EQ(nan, seen.back() == "train/rate@2");
      }
    }
    if (response.next_page_token().empty()) break;
    request.set_page_token(response.next_page_token());
    ASSERT_TRUE(list().ok());
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"train/loss@1", "train/loss@2", "train/rate@1",
                                            "train/rate@2"}));
  request.set_page_token("x");
  EXPECT_EQ(list().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request.set_trial("1.probe.6");
  EXPECT_EQ(list().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(TrialsTest, FollowedMetricsGoOnFromACursorAndEnd) {
  (void)Submit(kSixTrials);
  const auto worker = Worker();
  worker->Hello({});
  const v1::Start start = worker->AwaitStart();
  worker->Send(BeginTrial(start.attempt()));
  worker->AwaitAck(start.attempt(), 4);
  v1::WatchMetricsRequest request;
  request.set_trial(start.trial());
  request.add_names("train/loss");
  v1::WatchMetricsResponse response;
  {
    Call call(token_);
    auto stream = trials_->WatchMetrics(&call, request);
    ASSERT_TRUE(stream->Read(&response));
    ASSERT_EQ(response.points_size(), 1);
    EXPECT_EQ(response.points(0).steps_size(), 2);
    EXPECT_FALSE(response.ended());
    call.TryCancel();
    (void)stream->Finish();
  }
  v1::SessionRequest rest;
  v1::Facts& facts = *AddFacts(rest, start.attempt(), 5);
  v1::MetricColumns& columns = *facts.add_facts()->mutable_metrics();
  columns.add_names("train/loss");
  columns.add_steps(3);
  columns.add_values(0.125);
  *facts.add_facts() = EndOfTrial();
  worker->Send(rest);
  worker->AwaitAck(start.attempt(), 6);

  request.set_cursor(response.cursor());
  Call call(token_);
  auto stream = trials_->WatchMetrics(&call, request);
  std::vector<std::int64_t> steps;
  bool ended = false;
  while (stream->Read(&response)) {
    EXPECT_FALSE(response.resync());
    ended = response.ended();
    for (const v1::Points& points : response.points()) {
      steps.insert(steps.end(), points.steps().begin(), points.steps().end());
    }
  }
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(steps, std::vector<std::int64_t>{3});
  EXPECT_TRUE(ended);
}

TEST_F(TrialsTest, ManyPointsComeInMessagesThatAnyClientCanRead) {
  (void)Submit(kSixTrials);
  const auto worker = Worker();
  worker->Hello({});
  const v1::Start start = worker->AwaitStart();
  constexpr int kPoints = 240'000;
  constexpr int kPerFact = 20'000;
  std::uint64_t number = 2;
  v1::SessionRequest begin;
  AddFacts(begin, start.attempt(), 1)->add_facts()->mutable_started()->set_resumed_from_step(-1);
  worker->Send(begin);
  for (int first = 1; first <= kPoints; first += kPerFact) {
    v1::SessionRequest report;
    v1::Facts& facts = *AddFacts(report, start.attempt(), number++);
    v1::MetricColumns& columns = *facts.add_facts()->mutable_metrics();
    columns.add_names("train/loss");
    columns.set_time_ms(1'700'000'000'000);
    for (int step = first; step < first + kPerFact; ++step) {
      columns.add_steps(step);
      columns.add_values(1.0 / step);
    }
    worker->Send(report);
  }
  v1::SessionRequest end;
  *AddFacts(end, start.attempt(), number)->add_facts() = EndOfTrial();
  worker->Send(end);
  worker->AwaitAck(start.attempt(), number);

  v1::WatchMetricsRequest request;
  request.set_trial(start.trial());
  Call call(token_);
  auto stream = trials_->WatchMetrics(&call, request);
  v1::WatchMetricsResponse response;
  std::int64_t step = 0;
  int messages = 0;
  while (stream->Read(&response)) {
    ++messages;
    EXPECT_LT(response.ByteSizeLong(), std::size_t{4} << 20);
    for (const v1::Points& points : response.points()) {
      for (const std::int64_t each : points.steps()) EXPECT_EQ(each, ++step);
    }
    EXPECT_EQ(response.ended(), step == kPoints);
    EXPECT_EQ(response.cursor() != 0, step == kPoints);
  }
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(step, kPoints);
  EXPECT_GT(messages, 1);
}

TEST_F(TrialsTest, AfterAResyncEverythingComesAnew) {
  (void)Submit("name: a\nstages:\n  probe: {recipe: probe}\n");
  const auto worker = Worker();
  worker->Hello({});
  const v1::Start start = worker->AwaitStart();
  worker->Send(BeginTrial(start.attempt()));
  worker->AwaitAck(start.attempt(), 4);
  v1::WatchMetricsRequest request;
  request.set_trial(start.trial());
  request.add_names("train/loss");
  Call call(token_);
  auto stream = trials_->WatchMetrics(&call, request);
  v1::WatchMetricsResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.points(0).steps_size(), 2);
  // The trial goes to another attempt, which begins below what was sent, and ends.
  v1::SessionRequest release;
  AddFacts(release, start.attempt(), 5)
      ->add_facts()
      ->mutable_final()
      ->set_outcome(v1::OUTCOME_KIND_RELEASED);
  worker->Send(release);
  const v1::Start again = worker->AwaitStart();
  v1::SessionRequest report = BeginTrial(again.attempt());
  *report.mutable_items(0)->mutable_facts()->add_facts() = EndOfTrial();
  worker->Send(report);
  worker->AwaitAck(again.attempt(), 5);
  bool resync = false;
  bool ended = false;
  std::size_t points = 0;
  while (stream->Read(&response)) {
    ended = response.ended();
    if (response.resync()) points = 0;
    resync = resync || response.resync();
    for (const v1::Points& each : response.points()) {
      points += static_cast<std::size_t>(each.steps_size());
      for (const std::uint32_t attempt : each.attempt_numbers()) {
        if (resync) {
          EXPECT_EQ(attempt, 2U);
        }
      }
    }
  }
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_TRUE(resync);
  EXPECT_EQ(points, 2U);
  EXPECT_TRUE(ended);
}

TEST_F(TrialsTest, WatchersOfWhatIsNotThereAreRefused) {
  (void)Submit(kSixTrials);
  {
    v1::WatchLogsRequest request;
    request.set_sweep(9);
    Call call(token_);
    auto stream = trials_->WatchLogs(&call, request);
    v1::WatchLogsResponse response;
    EXPECT_FALSE(stream->Read(&response));
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
  }
  v1::WatchMetricsRequest request;
  request.set_trial("1.probe.0");
  request.set_cursor(1ULL << 50);
  Call call(token_);
  auto stream = trials_->WatchMetrics(&call, request);
  v1::WatchMetricsResponse response;
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace fusor
