// Leases: renewed by what heartbeats list, suspect when lapsed, lost only after lost_after.

#include "tests/unit/core/world_fixture.h"

namespace fusor {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class LeaseTest : public CoreTest {
 protected:
  void Start(int trials = 1) {
    info = CpuWorker("n1", trials);
    n1 = Connect(info);
    Submit(SweepOf(trials));
    attempt = LiveOf("1.t.0");
    Beat(n1, {attempt});
  }
  WorkerInfo info;
  SessionId n1;
  AttemptId attempt;
};

TEST_F(LeaseTest, HeartbeatsAreAcknowledged) {
  Start();
  Say(n1, HeartbeatMessage{.sequence = 42, .held = {attempt}});
  const auto acks = SentOf<HeartbeatAckMessage>();
  ASSERT_THAT(acks, SizeIs(1));
  EXPECT_EQ(acks[0].second.sequence, 42u);
}

TEST_F(LeaseTest, HeartbeatsKeepAnAttempt) {
  Start();
  for (int beat = 0; beat < 100; ++beat) {
    Pass(seconds(10));
    Beat(n1, {attempt});
  }
  EXPECT_TRUE(core->FindAttempt(attempt));
  EXPECT_FALSE(core->FindAttempt(attempt)->suspect);
}

TEST_F(LeaseTest, ALapsedLeaseMakesSuspectThenLost) {
  Start();
  const SessionId n2 = Connect(CpuWorker("n2", 1));
  Disconnect(n1);
  for (int beat = 0; beat < 13; ++beat) {
    Pass(seconds(10));
    Beat(n2, {});
    ASSERT_TRUE(core->FindAttempt(attempt)) << "lost after " << beat;
    EXPECT_EQ(core->FindAttempt(attempt)->suspect, beat >= 1);
  }
  EXPECT_THAT(EventsOf("attempt_suspect"), SizeIs(1));
  Pass(seconds(5));
  EXPECT_FALSE(core->FindAttempt(attempt));
  EXPECT_EQ(tables.attempts.at(attempt).state, AttemptState::kLost);
  EXPECT_EQ(RowOf("1.t.0").losses, 1u);
  EXPECT_EQ(RowOf("1.t.0").crashes, 0u);
  EXPECT_THAT(Started(), ElementsAre("1.t.0@2:0"));
  EXPECT_EQ(Starts()[0].number, 2u);
}

TEST_F(LeaseTest, AWorkerThatOnlyGreetsIsSilentAfterALease) {
  Connect(CpuWorker("n1", 1));
  Pass(seconds(20));
  EXPECT_THAT(EventsOf("worker_silent"), SizeIs(1));
  Submit(SweepOf(1));
  EXPECT_THAT(Started(), IsEmpty());
}

TEST_F(LeaseTest, AWorkerBackInTimeGoesOnUnderTheSameAttempt) {
  Start();
  Disconnect(n1);
  Pass(minutes(2));
  ASSERT_TRUE(core->FindAttempt(attempt)->suspect);
  const SessionId back = Connect(info, {attempt});
  EXPECT_THAT(Started(), IsEmpty());
  EXPECT_FALSE(core->FindAttempt(attempt)->suspect);
  EXPECT_THAT(EventsOf("attempt_back"), SizeIs(1));
  End(back, attempt);
  EXPECT_EQ(StateOf("1.t.0"), TrialState::kSucceeded);
}

TEST_F(LeaseTest, AWorkerBackTooLateIsFenced) {
  Start();
  Disconnect(n1);
  Pass(minutes(3));
  ASSERT_FALSE(core->FindAttempt(attempt));
  const SessionId back = Connect(info, {attempt});
  const auto stops = SentOf<StopMessage>();
  ASSERT_THAT(stops, SizeIs(1));
  EXPECT_EQ(stops[0].second.attempt, attempt);
  EXPECT_EQ(stops[0].second.mode, StopMode::kDrop);
  EXPECT_THAT(Started(), IsEmpty()) << "its slot is in use until the zombie is gone";
  Report(back, attempt, {FinalFact{}});
  EXPECT_EQ(StateOf("1.t.0"), TrialState::kReady);
  Beat(back, {});
  EXPECT_THAT(Started(), ElementsAre("1.t.0@2:0"));
}

TEST_F(LeaseTest, WhatIsHeldButNotGrantedIsDropped) {
  Start();
  Beat(n1, {attempt, AttemptId{99}});
  const auto stops = SentOf<StopMessage>();
  ASSERT_THAT(stops, SizeIs(1));
  EXPECT_EQ(stops[0].second.attempt, AttemptId{99});
  EXPECT_EQ(stops[0].second.mode, StopMode::kDrop);
}

TEST_F(LeaseTest, WhatIsGrantedButNeverHeldIsLostAfterTheStartDeadline) {
  n1 = Connect(CpuWorker("n1", 1));
  Submit(SweepOf(1));
  attempt = LiveOf("1.t.0");
  for (int beat = 0; beat < 5; ++beat) {
    Pass(seconds(10));
    Beat(n1, {});
  }
  EXPECT_TRUE(core->FindAttempt(attempt));
  Pass(seconds(10));
  EXPECT_FALSE(core->FindAttempt(attempt));
  EXPECT_THAT(RowOf("1.t.0").reason, HasSubstr("did not start it in time"));
}

TEST_F(LeaseTest, WhatWasHeldAndIsNoLongerListedIsLostAtOnce) {
  Start();
  Beat(n1, {});
  EXPECT_FALSE(core->FindAttempt(attempt));
  EXPECT_EQ(tables.attempts.at(attempt).state, AttemptState::kLost);
  EXPECT_THAT(Started(), ElementsAre("1.t.0@1:0"));
}

TEST_F(LeaseTest, LostWorkersHaveTheirOwnLimit) {
  SweepSpec spec = SweepOf(1);
  spec.stages[0].retry.lost_workers = 1;
  spec.stages[0].retry.crashes = 0;
  n1 = Connect(CpuWorker("n1", 1));
  Submit(spec);
  for (int loss = 0; loss < 2; ++loss) {
    const AttemptId live = LiveOf("1.t.0");
    Beat(n1, {live});
    Beat(n1, {});
  }
  EXPECT_EQ(StateOf("1.t.0"), TrialState::kFailed);
  EXPECT_EQ(RowOf("1.t.0").failure, Failure::kLost);
}

TEST_F(LeaseTest, ASilentWorkerGetsNoTrials) {
  Start();
  Pass(seconds(16));
  EXPECT_THAT(EventsOf("worker_silent"), SizeIs(1));
  Submit(SweepOf(1));
  Connect(CpuWorker("n0", 1));
  EXPECT_THAT(Started(), ElementsAre("2.t.0@2:0"));
  Beat(n1, {attempt});
  EXPECT_EQ(tables.workers.at(WorkerId{1}).state, "connected");
}

TEST_F(LeaseTest, AWorkerThatStaysAwayIsGone) {
  Start();
  End(n1, attempt);
  Disconnect(n1);
  EXPECT_EQ(tables.workers.at(WorkerId{1}).state, "suspect");
  Pass(minutes(5));
  EXPECT_EQ(tables.workers.at(WorkerId{1}).state, "gone");
  EXPECT_EQ(core->NextDeadline(), kNever);
  Connect(info);
  EXPECT_EQ(tables.workers.at(WorkerId{1}).state, "connected");
}

TEST_F(LeaseTest, AfterARestartEveryLeaseHasItsFullLength) {
  Start();
  Report(n1, attempt, {StartedFact{}});
  now += minutes(60);  // the coordinator was away
  Restart();
  Pass(seconds(14));
  EXPECT_FALSE(core->FindAttempt(attempt)->suspect);
  const SessionId back = Connect(info, {attempt});
  EXPECT_THAT(Started(), IsEmpty());
  EXPECT_THAT(SentOf<StopMessage>(), IsEmpty());
  End(back, attempt);
  EXPECT_EQ(StateOf("1.t.0"), TrialState::kSucceeded);
}

TEST_F(LeaseTest, AGrantThatNeverArrivedIsSaidAgain) {
  n1 = Connect(CpuWorker("n1", 1));
  Submit(SweepOf(1));
  attempt = LiveOf("1.t.0");
  const StartMessage first = Starts().at(0);
  Restart();  // the turn was committed, but nothing was sent
  Connect(CpuWorker("n1", 1));
  ASSERT_THAT(Starts(), SizeIs(1));
  EXPECT_EQ(Starts()[0], first);
  EXPECT_EQ(RowOf("1.t.0").losses, 0u);
}

// --- Identity
// ---------------------------------------------------------------------------------------

class IdentityTest : public LeaseTest {
 protected:
  RefuseReason Refused() const {
    const auto refusals = SentOf<RefuseMessage>();
    EXPECT_THAT(refusals, SizeIs(1));
    EXPECT_TRUE(std::holds_alternative<CloseStream>(sent.back()));
    return refusals.at(0).second.reason;
  }
};

TEST_F(IdentityTest, ASecondLiveStreamIsRefused) {
  Start();
  info.incarnation = 2;
  Connect(info);
  EXPECT_EQ(Refused(), RefuseReason::kOtherStreamLives);
  EXPECT_TRUE(core->FindAttempt(attempt));
}

TEST_F(IdentityTest, ASilentStreamGivesWay) {
  Start();
  Pass(seconds(20));
  Connect(info, {attempt});
  EXPECT_THAT(SentOf<WelcomeMessage>(), SizeIs(1));
  Beat(n1, {attempt});
  EXPECT_THAT(sent, IsEmpty()) << "the old stream is not known any more";
  Disconnect(n1);
  EXPECT_TRUE(core->View().workers[0].connected);
}

TEST_F(IdentityTest, ANewerIncarnationLosesWhatItDoesNotHold) {
  Start(2);
  const AttemptId other = LiveOf("1.t.1");
  Disconnect(n1);
  info.incarnation = 2;
  Connect(info, {other});
  EXPECT_EQ(tables.attempts.at(attempt).state, AttemptState::kLost);
  EXPECT_TRUE(core->FindAttempt(other)) << "adopted";
  EXPECT_THAT(Started(), ElementsAre("1.t.0@2:0"));
}

TEST_F(IdentityTest, AnOlderIncarnationIsRefused) {
  info = CpuWorker("n1", 1);
  info.incarnation = 5;
  n1 = Connect(info);
  Disconnect(n1);
  info.incarnation = 4;
  Connect(info);
  EXPECT_EQ(Refused(), RefuseReason::kOlderIncarnation);
}

TEST_F(IdentityTest, OtherClustersGenerationsAndProtocolsAreRefused) {
  const SessionId session{77};
  const auto greet = [&](const HelloMessage& hello) {
    Turn(StreamOpened{session}, MessageArrived{session, hello});
    return Refused();
  };
  HelloMessage hello{.cluster_id = "another", .generation = 1, .info = CpuWorker("n1", 1)};
  EXPECT_EQ(greet(hello), RefuseReason::kOtherCluster);
  hello.cluster_id = "cluster";
  hello.generation = 2;
  EXPECT_EQ(greet(hello), RefuseReason::kOtherGeneration);
  hello.generation = 1;
  hello.protocol = 9;
  EXPECT_EQ(greet(hello), RefuseReason::kProtocol);
  hello.protocol = 1;
  hello.info.slots.push_back(hello.info.slots[0]);
  EXPECT_EQ(greet(hello), RefuseReason::kProtocol);
  hello.info.slots.pop_back();
  hello.info.uid.clear();
  EXPECT_EQ(greet(hello), RefuseReason::kProtocol);
  EXPECT_THAT(tables.workers, IsEmpty());
}

TEST_F(IdentityTest, WhoDidNotSayHelloIsToldTo) {
  const SessionId session{77};
  Turn(StreamOpened{session}, MessageArrived{session, HeartbeatMessage{}});
  EXPECT_THAT(SentOf<RegisterAgainMessage>(), SizeIs(1));
  Turn(MessageArrived{session, FactsMessage{}});
  EXPECT_THAT(SentOf<RegisterAgainMessage>(), SizeIs(1));
}

TEST_F(IdentityTest, AWorkersNumberIsForItsUid) {
  Start();
  Disconnect(n1);
  Restart();
  Connect(CpuWorker("n2", 1));
  Connect(info, {attempt});
  EXPECT_EQ(tables.workers.at(WorkerId{1}).info.name, "n1");
  EXPECT_EQ(tables.workers.at(WorkerId{2}).info.name, "n2");
}

// --- Drain, leave, stuck
// ----------------------------------------------------------------------------

class DrainTest : public LeaseTest {};

TEST_F(DrainTest, ADrainingWorkerStartsNothing) {
  Start(2);
  Turn(DrainWorker{NextRequest(), WorkerId{1}, kNever, "maintenance"});
  EXPECT_TRUE(LastReply().status.ok());
  End(n1, attempt);
  Submit(SweepOf(1));
  EXPECT_THAT(Started(), IsEmpty());
  EXPECT_THAT(Explain("2.t.0"), Contains(HasSubstr("n1 is draining: maintenance")));
  Turn(ResumeWorker{NextRequest(), WorkerId{1}});
  EXPECT_THAT(Started(), ElementsAre("2.t.0@1:0"));
}

TEST_F(DrainTest, AtTheDeadlineTrialsCheckpointAndAreHandedBack) {
  Start();
  Turn(DrainWorker{NextRequest(), WorkerId{1}, now + seconds(10), "maintenance"});
  EXPECT_THAT(SentOf<StopMessage>(), IsEmpty());
  Pass(seconds(10));
  ASSERT_THAT(SentOf<StopMessage>(), SizeIs(1));
  EXPECT_EQ(SentOf<StopMessage>()[0].second.mode, StopMode::kCheckpointAndStop);
  End(n1, attempt, {.kind = OutcomeKind::kReleased});
  EXPECT_EQ(StateOf("1.t.0"), TrialState::kReady);
  EXPECT_EQ(RowOf("1.t.0").crashes + RowOf("1.t.0").losses, 0u);
  Connect(CpuWorker("n2", 1));
  EXPECT_THAT(Started(), ElementsAre("1.t.0@2:0"));
}

TEST_F(DrainTest, ADrainOutlivesARestartOfEither) {
  Start();
  Turn(DrainWorker{NextRequest(), WorkerId{1}, now + minutes(1), "maintenance"});
  Disconnect(n1);
  Restart();
  info.incarnation = 2;
  Connect(info, {attempt});
  EXPECT_TRUE(core->View().workers[0].draining);
  Pass(minutes(1));
  EXPECT_THAT(SentOf<StopMessage>(), SizeIs(1));
}

TEST_F(DrainTest, AnUnknownWorkerCannotBeDrained) {
  Turn(DrainWorker{NextRequest(), WorkerId{9}, kNever, ""});
  EXPECT_EQ(LastReply().status.code(), Code::kNotFound);
  Turn(ResumeWorker{NextRequest(), WorkerId{9}});
  EXPECT_EQ(LastReply().status.code(), Code::kNotFound);
}

TEST_F(DrainTest, ALeavingWorkerStartsNothingUntilItsNextStart) {
  Start(2);
  Say(n1, LeavingMessage{"SIGTERM"});
  End(n1, LiveOf("1.t.1"));
  Submit(SweepOf(1));
  EXPECT_THAT(Started(), IsEmpty());
  End(n1, attempt, {.kind = OutcomeKind::kReleased});
  Disconnect(n1);
  EXPECT_EQ(tables.workers.at(WorkerId{1}).state, "gone");
  info.incarnation = 2;
  Connect(info);
  EXPECT_THAT(Started(), ElementsAre("1.t.0@2:0", "2.t.0@2:1"));
}

TEST_F(DrainTest, AStuckSlotIsNotUsed) {
  Start(2);
  Say(n1, SlotMessage{.slot = 0, .condition = SlotCondition::kStuck, .reason = "D state"});
  End(n1, attempt, Crashed());
  Pass(seconds(1));
  Submit(SweepOf(1));
  EXPECT_THAT(Started(), IsEmpty());
  EXPECT_THAT(Explain("1.t.0"), Contains("slot 0 of n1 is stuck: D state"));
  EXPECT_THAT(tables.workers.at(WorkerId{1}).slot_notes, ElementsAre("stuck: D state", ""));
  Say(n1, SlotMessage{.slot = 0});
  EXPECT_THAT(Started(), ElementsAre("2.t.0@1:0")) << "the sweep with fewer slots";
}

TEST_F(DrainTest, WhatAWorkerOffersMayChange) {
  SweepSpec spec = SweepOf({StageOf("t", {TextAxis("data", {"cifar10"}, ParamRole::kDataset)})});
  info = CpuWorker("n1", 1);
  n1 = Connect(info);
  Submit(spec);
  EXPECT_THAT(Started(), IsEmpty());
  EXPECT_THAT(
      Explain("1.t.0"),
      Contains("data set cifar10 is on no worker: bring it to one (fusor data fetch), or start "
               "one with --auto-fetch"));
  info.datasets = {{"cifar10", "f1"}};
  Say(n1, InfoMessage{info});
  EXPECT_THAT(Started(), ElementsAre("1.t.0@1:0"));
  info.uid = "another";
  Say(n1, InfoMessage{info});
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_TRUE(std::holds_alternative<CloseStream>(sent[0]));
}

}  // namespace
}  // namespace fusor
