// Workers over the wire: what is shown of them, drains, slots out of use.

#include "tests/unit/server/daemon_fixture.h"

namespace fusor {
namespace {

class ClusterTest : public DaemonTest {
 protected:
  ClusterTest() { StartDaemon(); }

  std::vector<v1::Worker> Workers(bool include_gone = false) {
    v1::ListWorkersRequest request;
    v1::ListWorkersResponse response;
    request.set_include_gone(include_gone);
    Call call(token_);
    EXPECT_TRUE(cluster_->ListWorkers(&call, request, &response).ok());
    return {response.workers().begin(), response.workers().end()};
  }
  grpc::Status Drain(const std::string& worker, bool at_once = false) {
    v1::DrainRequest request;
    v1::DrainResponse response;
    request.set_worker(worker);
    request.set_reason("a new disk");
    if (at_once) request.mutable_deadline()->set_seconds(1);
    Call call(token_);
    return cluster_->Drain(&call, request, &response);
  }
  grpc::Status Resume(const std::string& worker) {
    v1::ResumeWorkerRequest request;
    v1::ResumeWorkerResponse response;
    request.set_worker(worker);
    Call call(token_);
    return cluster_->Resume(&call, request, &response);
  }
  std::string Reasons(const std::string& trial) {
    v1::ExplainTrialRequest request;
    v1::ExplainTrialResponse response;
    request.set_id(trial);
    Call call(token_);
    EXPECT_TRUE(trials_->Explain(&call, request, &response).ok());
    std::string text;
    for (const std::string& reason : response.reasons()) text += reason + "\n";
    return text;
  }
};

v1::SessionRequest Ended(std::uint64_t attempt, v1::OutcomeKind outcome,
                         const std::string& failure = "") {
  v1::SessionRequest request;
  v1::Facts& facts = *AddFacts(request, attempt, 1);
  facts.add_facts()->mutable_started()->set_resumed_from_step(-1);
  v1::Final& final_fact = *facts.add_facts()->mutable_final();
  final_fact.set_outcome(outcome);
  final_fact.set_failure(failure);
  return request;
}

TEST_F(ClusterTest, TellsWhoItIs) {
  Call call(token_);
  v1::GetInfoResponse response;
  ASSERT_TRUE(cluster_->GetInfo(&call, {}, &response).ok());
  const auto worker = Worker();
  worker->Hello({});
  const v1::Welcome welcome = worker->AwaitWelcome();
  EXPECT_EQ(response.cluster_id(), welcome.cluster_id());
  EXPECT_EQ(response.generation(), welcome.generation());
  EXPECT_TRUE(response.serving());
  EXPECT_EQ(response.health(), "");
}

TEST_F(ClusterTest, ShowsWorkersTheirSlotsAndWhatRunsThere) {
  EXPECT_TRUE(Workers().empty());
  const auto worker = Worker();
  worker->Hello({.uid = "w", .slots = 2});
  (void)worker->AwaitWelcome();
  (void)Submit("name: a\nstages:\n  probe: {recipe: probe}\n");
  const v1::Start start = worker->AwaitStart();
  const std::vector<v1::Worker> workers = Workers();
  ASSERT_EQ(workers.size(), 1U);
  EXPECT_EQ(workers[0].name(), "host-w");
  EXPECT_EQ(workers[0].uid(), "w");
  EXPECT_EQ(workers[0].state(), "connected");
  ASSERT_EQ(workers[0].slots_size(), 2);
  EXPECT_EQ(workers[0].slots(0).attempt(), start.attempt());
  EXPECT_EQ(workers[0].slots(0).trial(), "1.probe.0");
  EXPECT_EQ(workers[0].slots(0).trial_name(), start.name());
  EXPECT_EQ(workers[0].slots(1).attempt(), 0U);
  EXPECT_EQ(workers[0].slots(1).memory_gib(), 4);
}

TEST_F(ClusterTest, ADrainedWorkerStartsNothingUntilItIsResumed) {
  const auto worker = Worker();
  worker->Hello({.uid = "w"});
  (void)worker->AwaitWelcome();
  ASSERT_TRUE(Drain("host-w").ok());
  EXPECT_EQ(Workers()[0].state(), "draining");
  EXPECT_EQ(Workers()[0].reason(), "a new disk");
  const std::uint64_t sweep = Submit(kSixTrials);
  EXPECT_EQ(Count(GetSweep(sweep), v1::TRIAL_STATE_READY), 6U);
  EXPECT_NE(Reasons("1.probe.0").find("host-w is draining: a new disk"), std::string::npos)
      << Reasons("1.probe.0");
  ASSERT_TRUE(Resume("w").ok());
  EXPECT_EQ(Workers()[0].state(), "connected");
  EXPECT_EQ(worker->AwaitStart().trial(), "1.probe.0");
}

TEST_F(ClusterTest, AtTheDeadlineOfADrainTrialsAreHandedBack) {
  const std::uint64_t sweep = Submit("name: a\nstages:\n  probe: {recipe: probe}\n");
  const auto worker = Worker();
  worker->Hello({.uid = "w"});
  const v1::Start start = worker->AwaitStart();
  ASSERT_TRUE(Drain("1", true).ok());
  const auto stop = worker->Await([](const auto& item) { return item.has_stop(); }).stop();
  EXPECT_EQ(stop.attempt(), start.attempt());
  EXPECT_EQ(stop.mode(), v1::STOP_MODE_CHECKPOINT_AND_STOP);
  worker->Send(Ended(start.attempt(), v1::OUTCOME_KIND_RELEASED));
  worker->AwaitAck(start.attempt(), 2);
  EXPECT_EQ(Count(GetSweep(sweep), v1::TRIAL_STATE_READY), 1U);
  const auto other = Worker();
  other->Hello({.uid = "x"});
  const v1::Start again = other->AwaitStart();
  EXPECT_EQ(again.trial(), start.trial());
  EXPECT_EQ(again.number(), 2U);
}

TEST_F(ClusterTest, WorkersGoByNumberNameUidOrAPrefixOfThem) {
  const auto one = Worker();
  one->Hello({.uid = "alpha"});
  (void)one->AwaitWelcome();
  const auto two = Worker();
  two->Hello({.uid = "alto"});
  (void)two->AwaitWelcome();
  for (const char* name : {"1", "alpha", "host-alpha", "alp", "host-alp"}) {
    EXPECT_TRUE(Drain(name).ok()) << name;
  }
  const grpc::Status ambiguous = Drain("al");
  EXPECT_EQ(ambiguous.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_NE(ambiguous.error_message().find("host-alto"), std::string::npos);
  const grpc::Status unknown = Drain("host-alpa");
  EXPECT_EQ(unknown.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_NE(unknown.error_message().find("host-alpha"), std::string::npos)
      << unknown.error_message();
  EXPECT_EQ(Resume("nobody").error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ClusterTest, AStuckSlotIsShownAndNotUsed) {
  const auto worker = Worker();
  worker->Hello({.uid = "w"});
  (void)worker->AwaitWelcome();
  v1::SessionRequest report;
  v1::SlotReport& slot = *report.add_items()->mutable_slot();
  slot.set_condition(v1::SLOT_CONDITION_STUCK);
  slot.set_reason("process 4711 does not die");
  report.add_items()->mutable_heartbeat()->set_sequence(1);
  worker->Send(report);
  (void)worker->Await([](const auto& item) { return item.has_heartbeat_ack(); });
  EXPECT_EQ(Workers()[0].slots(0).condition(), "stuck: process 4711 does not die");
  const std::uint64_t sweep = Submit(kSixTrials);
  EXPECT_EQ(Count(GetSweep(sweep), v1::TRIAL_STATE_READY), 6U);
  EXPECT_NE(Reasons("1.probe.0").find("slot 0 of host-w is stuck: process 4711 does not die"),
            std::string::npos)
      << Reasons("1.probe.0");
  v1::SessionRequest better;
  better.add_items()->mutable_slot()->set_condition(v1::SLOT_CONDITION_USABLE);
  worker->Send(better);
  EXPECT_EQ(worker->AwaitStart().trial(), "1.probe.0");
}

TEST_F(ClusterTest, AQuarantinedSlotIsShownExplainedAndReleasedByResume) {
  (void)Submit(std::string(kSixTrials) + "on_failure: {max_failed: 100%}\nretry: {crashes: 0}\n");
  const auto worker = Worker();
  worker->Hello({.uid = "w"});
  for (int i = 0; i < 3; ++i) {
    const v1::Start start = worker->AwaitStart();
    worker->Send(Ended(start.attempt(), v1::OUTCOME_KIND_FAILED, "crashed(exit)"));
    worker->AwaitAck(start.attempt(), 2);
  }
  const std::string condition = Workers()[0].slots(0).condition();
  EXPECT_EQ(condition,
            "quarantined: 3 different trials failed within 60 s of starting; the last: "
            "crashed");
  EXPECT_NE(Reasons("1.probe.3").find("slot 0 of host-w is " + condition), std::string::npos)
      << Reasons("1.probe.3");
  EXPECT_EQ(Count(GetSweep(1), v1::TRIAL_STATE_READY), 3U);
  ASSERT_TRUE(Resume("host-w").ok());
  EXPECT_EQ(Workers()[0].slots(0).condition(), "");
  EXPECT_EQ(worker->AwaitStart().trial(), "1.probe.3");
}

TEST_F(ClusterTest, AWorkerThatLeftIsShownOnRequest) {
  {
    const auto worker = Worker();
    worker->Hello({.uid = "w"});
    (void)worker->AwaitWelcome();
    v1::SessionRequest leaving;
    leaving.add_items()->mutable_leaving()->set_reason("its time is over");
    worker->Send(leaving);
    (void)worker->Finish();
  }
  // The coordinator hears of the stream's end on its own.
  EXPECT_TRUE(Becomes([&] { return Workers().empty(); }));
  ASSERT_EQ(Workers(true).size(), 1U);
  EXPECT_EQ(Workers(true)[0].state(), "gone");
}

}  // namespace
}  // namespace fusor
