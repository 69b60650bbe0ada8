// Who starts where: priority, fair share, capabilities, gangs.

#include "coordinator/core/placement.h"

#include "tests/unit/core/world_fixture.h"

namespace fusor {
namespace {

using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class PlacementTest : public CoreTest {
 protected:
  SweepSpec Prioritized(int trials, int priority) {
    SweepSpec spec = SweepOf(trials);
    spec.priority = spec.stages[0].priority = priority;
    return spec;
  }
  SweepSpec Gang(int slots, int trials = 1) {
    SweepSpec spec = SweepOf(trials);
    spec.stages[0].resources.slots = slots;
    return spec;
  }
};

TEST_F(PlacementTest, HigherPriorityFirst) {
  Submit(Prioritized(1, 50));
  Submit(Prioritized(1, 60));
  Submit(Prioritized(1, 40));
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  EXPECT_THAT(Started(), ElementsAre("2.t.0@1:0"));
  End(n1, LiveOf("2.t.0"));
  EXPECT_THAT(Started(), ElementsAre("1.t.0@1:0"));
}

TEST_F(PlacementTest, AStageMayHaveItsOwnPriority) {
  SweepSpec spec = SweepOf({StageOf("a", {IntAxis("x", 1)}), StageOf("b", {IntAxis("x", 1)})});
  spec.stages[1].priority = 70;
  Submit(spec);
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  EXPECT_THAT(Started(), ElementsAre("1.b.0@1:0"));
  Submit(Prioritized(1, 60));
  End(n1, LiveOf("1.b.0"));
  EXPECT_THAT(Started(), ElementsAre("2.t.0@1:0"));
}

TEST_F(PlacementTest, SetChangesThePriorityOfWhatWaits) {
  Submit(Prioritized(1, 50));
  Submit(Prioritized(1, 60));
  Turn(SetSweep{NextRequest(), SweepId{1}, 70, std::nullopt});
  EXPECT_EQ(tables.sweeps.at(SweepId{1}).priority, 70);
  Connect(CpuWorker("n1", 1));
  EXPECT_THAT(Started(), ElementsAre("1.t.0@1:0"));
  Turn(SetSweep{NextRequest(), SweepId{1}, 100, std::nullopt});
  EXPECT_EQ(LastReply().status.code(), Code::kInvalidArgument);
  Turn(SetSweep{NextRequest(), SweepId{1}, std::nullopt, -1});
  EXPECT_EQ(LastReply().status.code(), Code::kInvalidArgument);
}

TEST_F(PlacementTest, EqualSweepsShareBySlotsInUse) {
  Submit(SweepOf(10));
  Submit(SweepOf(10));
  Connect(CpuWorker("n1", 4));
  EXPECT_THAT(Started(), ElementsAre("1.t.0@1:0", "2.t.0@1:1", "1.t.1@1:2", "2.t.1@1:3"));
}

TEST_F(PlacementTest, AnOlderSweepDoesNotKeepALaterOneOut) {
  const SessionId n1 = Connect(CpuWorker("n1", 2));
  Submit(SweepOf(10));
  Submit(SweepOf(10));
  End(n1, LiveOf("1.t.0"));
  EXPECT_THAT(Started(), ElementsAre("2.t.0@1:0"));
}

TEST_F(PlacementTest, MaxRunningBoundsASweep) {
  SweepSpec spec = SweepOf(5);
  spec.max_running = 2;
  const SessionId n1 = Connect(CpuWorker("n1", 4));
  Submit(spec);
  EXPECT_THAT(Started(), SizeIs(2));
  EXPECT_THAT(Explain("1.t.2"), Contains(HasSubstr("max_running is 2")));
  End(n1, LiveOf("1.t.0"));
  EXPECT_THAT(Started(), SizeIs(1));
  Turn(SetSweep{NextRequest(), SweepId{1}, std::nullopt, 0});
  EXPECT_THAT(Started(), SizeIs(2));
}

TEST_F(PlacementTest, TrialsSpreadOverWorkersUnlessGangsWait) {
  Connect(CpuWorker("n1", 2));
  Connect(CpuWorker("n2", 2));
  Submit(SweepOf(2));
  EXPECT_THAT(Started(), ElementsAre("1.t.0@1:0", "1.t.1@2:0"));
}

TEST_F(PlacementTest, WhileAGangWaitsSingleTrialsKeepTogether) {
  Connect(CpuWorker("n1", 2));
  Connect(CpuWorker("n2", 2));
  Submit(Gang(4));
  Submit(SweepOf(2));
  EXPECT_THAT(Started(), ElementsAre("2.t.0@1:0", "2.t.1@1:1"));
}

// --- Capabilities
// -----------------------------------------------------------------------------------

TEST_F(PlacementTest, ResourcesMustBeThere) {
  SweepSpec spec = SweepOf(1);
  spec.stages[0].resources = {.device = DeviceKind::kGpu,
                              .cpus = 4,
                              .device_memory_gib = 40,
                              .memory_gib = 16,
                              .disk_gib = 50,
                              .labels = {{"partition", "a100"}}};
  WorkerInfo good = GpuWorker("good", 1);
  good.slots[0].cpus = 4;
  good.slots[0].memory_gib = 16;
  good.labels = {{"partition", "a100"}};
  const auto without = [&](const std::string& name, auto spoil) {
    WorkerInfo bad = good;
    bad.name = name;
    bad.uid = name;
    spoil(bad);
    Connect(bad);
  };
  without("nogpu", [](WorkerInfo& info) { info.slots[0].gpu = false; });
  without("cpus", [](WorkerInfo& info) { info.slots[0].cpus = 3; });
  without("devmem", [](WorkerInfo& info) { info.slots[0].device_memory_gib = 39; });
  without("mem", [](WorkerInfo& info) { info.slots[0].memory_gib = 15.5; });
  without("disk", [](WorkerInfo& info) { info.slots[0].disk_gib = 49; });
  without("label", [](WorkerInfo& info) { info.labels["partition"] = "h200"; });
  without("nolabel", [](WorkerInfo& info) { info.labels.clear(); });
  Submit(spec);
  EXPECT_THAT(Started(), IsEmpty());
  EXPECT_THAT(Explain("1.t.0"),
              UnorderedElementsAre(
                  "nogpu: its slots are no gpus", "cpus: 3 of 4 cpus per slot",
                  "devmem: device memory 39 of 40 GiB", "mem: memory 15.5 of 16 GiB per slot",
                  "disk: disk 49 of 50 GiB per slot", "label: label partition is h200, not a100",
                  "nolabel: label partition is not set, not a100"));
  Connect(good);
  EXPECT_THAT(Started(), ElementsAre("1.t.0@8:0"));
}

TEST_F(PlacementTest, CellsThatNobodyCanRunBlockNoOthers) {
  StageSpec stage = StageOf(
      "t", {TextAxis("precision", {"fp16", "fp32"}, ParamRole::kPrecision), IntAxis("x", 2)});
  Connect(CpuWorker("n1", 4));
  Submit(SweepOf({stage}));
  EXPECT_THAT(Started(), ElementsAre("1.t.2@1:0", "1.t.3@1:1"));
  EXPECT_THAT(Explain("1.t.0"), ElementsAre("precision fp16 is offered by no worker"));
  Requirement requirement;
  requirement.precision = "fp16";
  EXPECT_THAT(core->Fit(requirement).missing,
              ElementsAre("precision fp16 is offered by no worker"));
  requirement.precision = "bf16";
  EXPECT_EQ(core->Fit(requirement).slots_fitting, 4);
  WorkerInfo n2 = GpuWorker("n2", 1);
  Connect(n2);
  EXPECT_THAT(Started(), ElementsAre("1.t.0@2:0"));
}

TEST_F(PlacementTest, AFallbackPrecisionServesWhereNobodyOffersTheNativeOne) {
  StageSpec stage =
      StageOf("t", {TextAxis("precision", {"fp16"}, ParamRole::kPrecision), IntAxis("x", 3)});
  stage.precision_fallback = {{"fp16", "bf16"}};
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  Submit(SweepOf({stage}));
  ASSERT_THAT(Starts(), SizeIs(1));
  EXPECT_EQ(Starts()[0].precision_used, "bf16");
  EXPECT_THAT(Starts()[0].config, HasSubstr(R"("precision":"fp16")"));
  EXPECT_EQ(RowOf("1.t.0").precision_used, "bf16");
  Connect(GpuWorker("n2", 1));
  EXPECT_EQ(Starts().at(0).precision_used, "fp16");
  EXPECT_EQ(RowOf("1.t.1").precision_used, "");
  End(n1, LiveOf("1.t.0"));
  EXPECT_THAT(Started(), IsEmpty()) << "it waits for the native one now";
}

// A restart of its agent or of the coordinator marks no result for good.
TEST_F(PlacementTest, NoFallbackWhileWhoOffersTheNativeOneMayComeBack) {
  StageSpec stage = StageOf("t", {TextAxis("precision", {"fp16"}, ParamRole::kPrecision)});
  stage.precision_fallback = {{"fp16", "bf16"}};
  const SessionId n1 = Connect(GpuWorker("n1", 1));
  Disconnect(n1);
  Restart();
  const SessionId n2 = Connect(CpuWorker("n2", 1));
  Submit(SweepOf({stage}));
  EXPECT_THAT(Started(), IsEmpty());
  EXPECT_THAT(Explain("1.t.0"),
              Contains("precision fp16 is offered by workers that are away for the moment; bf16 "
                       "serves once they are gone"));
  const Time begun = now;
  while (Started().empty() && now < begun + std::chrono::minutes(5)) {
    Beat(n2, {});
    Pass(std::chrono::seconds(1));
  }
  ASSERT_THAT(Starts(), SizeIs(1));
  EXPECT_EQ(Starts()[0].precision_used, "bf16");
  EXPECT_THAT(EventsOf("worker_gone"), SizeIs(1));
}

TEST_F(PlacementTest, WhatResumesFromAFallbackKeepsItsMark) {
  StageSpec stage = StageOf("t", {TextAxis("precision", {"fp16"}, ParamRole::kPrecision)});
  stage.precision_fallback = {{"fp16", "bf16"}};
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  Submit(SweepOf({stage}));
  const AttemptId first = LiveOf("1.t.0");
  Report(n1, first, {StartedFact{}, CheckpointFact{5, {{"checkpoint", "aa", 1}}}});
  const SessionId n2 = Connect(GpuWorker("n2", 1));
  End(n1, first, {.kind = OutcomeKind::kReleased});
  ASSERT_THAT(Starts(), SizeIs(1));
  EXPECT_EQ(Starts()[0].precision_used, "fp16");
  EXPECT_EQ(RowOf("1.t.0").precision_used, "bf16") << "half of it was trained so";
  // It says that it did not resume after all: then it is as native as any.
  Report(n2, LiveOf("1.t.0"), {StartedFact{.resumed_from_step = -1}});
  EXPECT_EQ(RowOf("1.t.0").precision_used, "");
}

TEST_F(PlacementTest, GpuTypeIsAnAxisOfPlacementAlone) {
  Connect(GpuWorker("n1", 2, "A100"));
  Connect(GpuWorker("n2", 2, "H200"));
  Submit(SweepOf({StageOf("t", {GpuTypeAxis({"H200", "A100"})})}));
  EXPECT_THAT(Started(), UnorderedElementsAre("1.t.0@2:0", "1.t.1@1:0"));
  EXPECT_EQ(Starts()[0].config, R"({"seed":0})");
}

TEST_F(PlacementTest, AnyDevicePrefersGpus) {
  Connect(CpuWorker("n1", 8));
  Connect(GpuWorker("n2", 1));
  Submit(SweepOf(2));
  EXPECT_THAT(Started(), ElementsAre("1.t.0@2:0", "1.t.1@1:0"));
}

TEST_F(PlacementTest, ASweepNeverMixesTwoCopiesOfADataSet) {
  StageSpec stage =
      StageOf("t", {TextAxis("data", {"cifar10"}, ParamRole::kDataset), IntAxis("x", 3)});
  WorkerInfo n1 = CpuWorker("n1", 1);
  n1.datasets = {{"cifar10", "aaaa"}};
  WorkerInfo n2 = CpuWorker("n2", 1);
  n2.datasets = {{"cifar10", "bbbb"}};
  Connect(n1);
  Connect(n2);
  Submit(SweepOf({stage}));
  EXPECT_THAT(Started(), ElementsAre("1.t.0@1:0"));
  EXPECT_EQ(tables.sweeps.at(SweepId{1}).fingerprints.at("cifar10"), "aaaa");
  EXPECT_THAT(EventsOf("dataset_pinned"), SizeIs(1));
  Restart();
  EXPECT_THAT(Started(), IsEmpty());
  Connect(n2);
  EXPECT_THAT(Started(), IsEmpty());
  EXPECT_THAT(Explain("1.t.1"), Contains("n2: its data set cifar10 has fingerprint bbbb, the sweep "
                                         "began with aaaa"));
  const SessionId back = Connect(n1, {LiveOf("1.t.0")});
  End(back, LiveOf("1.t.0"));
  EXPECT_THAT(Started(), ElementsAre("1.t.1@4:0"));
}

TEST_F(PlacementTest, AWorkerThatFetchesADataSetCountsAsHavingIt) {
  StageSpec stage =
      StageOf("t", {TextAxis("data", {"cifar10"}, ParamRole::kDataset), IntAxis("x", 4)});
  WorkerInfo own = CpuWorker("own", 1);
  own.datasets = {{.name = "cifar10", .fingerprint = "aaaa", .archive = ""}};
  WorkerInfo fetches = CpuWorker("fetches", 1);
  fetches.datasets = {{.name = "cifar10", .fingerprint = "", .archive = "md5:1"}};
  WorkerInfo fetched = CpuWorker("fetched", 1);
  fetched.datasets = {{.name = "cifar10", .fingerprint = "bbbb", .archive = "md5:1"}};
  const SessionId n1 = Connect(fetches);
  Submit(SweepOf({stage}));
  EXPECT_THAT(Started(), ElementsAre("1.t.0@1:0"));
  EXPECT_EQ(tables.sweeps.at(SweepId{1}).fingerprints.at("cifar10"), "md5:1");
  Connect(own);  // a copy that may be another one
  EXPECT_THAT(Started(), IsEmpty());
  Connect(fetched);
  EXPECT_THAT(Started(), ElementsAre("1.t.1@3:0"));
  fetches.datasets = fetched.datasets;  // it is there now
  Say(n1, InfoMessage{fetches});
  End(n1, LiveOf("1.t.0"));
  EXPECT_THAT(Started(), ElementsAre("1.t.2@1:0"));
}

TEST_F(PlacementTest, AWorkerThatHasADataSetComesBeforeOneThatFetchesIt) {
  StageSpec stage = StageOf("t", {TextAxis("data", {"cifar10"}, ParamRole::kDataset)});
  WorkerInfo fetches = CpuWorker("fetches", 4);
  fetches.datasets = {{.name = "cifar10", .fingerprint = "", .archive = "md5:1"}};
  WorkerInfo has = CpuWorker("has", 1);
  has.datasets = {{.name = "cifar10", .fingerprint = "bbbb", .archive = "md5:1"}};
  Connect(fetches);
  Connect(has);
  Submit(SweepOf({stage}));
  EXPECT_THAT(Started(), ElementsAre("1.t.0@2:0"));
}

TEST_F(PlacementTest, PinningTheCopyDoesNotStrandTheRest) {
  StageSpec stage =
      StageOf("t", {TextAxis("data", {"cifar10"}, ParamRole::kDataset), IntAxis("x", 4)});
  WorkerInfo n1 = CpuWorker("n1", 4);
  n1.datasets = {{"cifar10", "aaaa"}};
  Connect(n1);
  Submit(SweepOf({stage}));
  EXPECT_THAT(Started(), SizeIs(4)) << "all in the turn that pinned it";
}

// --- Gangs
// ------------------------------------------------------------------------------------------

TEST_F(PlacementTest, AGangStartsAllOrNothing) {
  const SessionId n1 = Connect(CpuWorker("n1", 2));
  Submit(SweepOf(1));
  Submit(Gang(2));
  EXPECT_THAT(Started(), IsEmpty());
  EXPECT_THAT(Explain("2.t.0"),
              ElementsAre("needs 2 slots on one worker; the largest free is 1 on n1 "
                          "(busy with 1.t.0)"));
  End(n1, LiveOf("1.t.0"));
  EXPECT_THAT(Started(), ElementsAre("2.t.0@1:01"));
  EXPECT_EQ(Starts()[0].world, 2u);
  EXPECT_EQ(Starts()[0].rank, 0u);
}

TEST_F(PlacementTest, AGangTakesTheWorkerWithTheLeastLeftOver) {
  Connect(CpuWorker("n1", 8));
  Connect(CpuWorker("n2", 2));
  Submit(Gang(2));
  EXPECT_THAT(Started(), ElementsAre("1.t.0@2:01"));
}

TEST_F(PlacementTest, PerWorkerSpreadsAGangEvenly) {
  SweepSpec spec = Gang(4);
  spec.stages[0].resources.per_worker = 2;
  Connect(CpuWorker("n1", 3));
  Connect(CpuWorker("n2", 1));
  Submit(spec);
  EXPECT_THAT(Started(), IsEmpty());
  Connect(CpuWorker("n3", 4));
  EXPECT_THAT(Started(), ElementsAre("1.t.0@1:01", "1.t.0@3:01"));
  EXPECT_EQ(Starts()[1].rank, 2u);
  EXPECT_EQ(Starts()[1].world, 4u);
}

TEST_F(PlacementTest, AnySpreadTakesSlotsWhereverTheyAre) {
  SweepSpec spec = Gang(4);
  spec.stages[0].resources.spread = Spread::kAny;
  Connect(CpuWorker("n1", 1));
  Connect(CpuWorker("n2", 2));
  Submit(spec);
  EXPECT_THAT(Started(), IsEmpty());
  Connect(CpuWorker("n3", 1));
  EXPECT_THAT(Started(), ElementsAre("1.t.0@2:01", "1.t.0@1:0", "1.t.0@3:0"));
}

TEST_F(PlacementTest, AGangWithNumbersThatCannotWorkOutSaysSo) {
  SweepSpec spec = Gang(4);
  spec.stages[0].resources.per_worker = 3;
  Connect(CpuWorker("n1", 8));
  Submit(spec);
  EXPECT_THAT(Started(), IsEmpty());
  EXPECT_THAT(Explain("1.t.0"), ElementsAre("4 slots cannot be spread with 3 on each worker"));
}

TEST_F(PlacementTest, OneFailedRankEndsTheWholeGang) {
  SweepSpec spec = Gang(2);
  spec.stages[0].resources.per_worker = 1;
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  const SessionId n2 = Connect(CpuWorker("n2", 1));
  Submit(spec);
  const AttemptId attempt = LiveOf("1.t.0");
  End(n2, attempt, Crashed(), seconds(0), 1);
  EXPECT_EQ(tables.attempts.at(attempt).state, AttemptState::kEnded);
  const auto stops = SentOf<StopMessage>();
  ASSERT_THAT(stops, SizeIs(1));
  EXPECT_EQ(stops[0].first, n1);
  EXPECT_EQ(stops[0].second.mode, StopMode::kDrop);
  Pass(seconds(1));
  EXPECT_THAT(Started(), IsEmpty()) << "rank 0 is still there";
  Beat(n2, {});
  Beat(n1, {});
  EXPECT_THAT(Started(), ElementsAre("1.t.0@1:0", "1.t.0@2:0"));
}

TEST_F(PlacementTest, AGangSucceedsWhenItsFirstRankSaysSo) {
  SweepSpec spec = Gang(2);
  spec.stages[0].resources.per_worker = 1;
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  const SessionId n2 = Connect(CpuWorker("n2", 1));
  const SweepId sweep = Submit(spec);
  const AttemptId attempt = LiveOf("1.t.0");
  End(n2, attempt, {}, seconds(0), 1);
  EXPECT_EQ(StateOf("1.t.0"), TrialState::kRunning);
  End(n1, attempt);
  EXPECT_EQ(StateOf("1.t.0"), TrialState::kSucceeded);
  EXPECT_EQ(core->ViewSweep(sweep).state, SweepState::kFinished);
  Submit(SweepOf(2));
  EXPECT_THAT(Started(), SizeIs(2)) << "both slots are free";
}

TEST_F(PlacementTest, ALostPartLosesTheGang) {
  SweepSpec spec = Gang(2);
  spec.stages[0].resources.per_worker = 1;
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  const SessionId n2 = Connect(CpuWorker("n2", 1));
  Submit(spec);
  const AttemptId attempt = LiveOf("1.t.0");
  Beat(n1, {attempt});
  Beat(n2, {attempt});
  Beat(n2, {});
  EXPECT_EQ(tables.attempts.at(attempt).state, AttemptState::kLost);
  const auto stops = SentOf<StopMessage>();
  EXPECT_TRUE(std::any_of(stops.begin(), stops.end(), [&](const auto& stop) {
    return stop.first == n1 && stop.second.mode == StopMode::kDrop;
  }));
  EXPECT_THAT(Started(), IsEmpty());
  Beat(n1, {});
  EXPECT_THAT(Started(), SizeIs(2));
}

// A rank whose worker was away when the others began must find the checkpoint that they began from,
// even when they have written newer ones since.
TEST_F(PlacementTest, ALateRankGoesOnFromWhereTheOthersBegan) {
  SweepSpec spec = Gang(2);
  spec.stages[0].resources.per_worker = 1;
  spec.stages[0].checkpoint.keep = 1;
  const auto checkpoint = [](std::int64_t step) {
    return CheckpointFact{.step = step,
                          .files = {{.name = "state", .sha256 = std::to_string(step), .bytes = 1}}};
  };
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  const SessionId n2 = Connect(CpuWorker("n2", 1));
  Submit(spec);
  AttemptId attempt = LiveOf("1.t.0");
  Report(n1, attempt, {StartedFact{.resumed_from_step = -1}, checkpoint(10)});
  End(n1, attempt, {.kind = OutcomeKind::kFailed, .failure = Failure::kCrashedExit});
  Beat(n1, {});
  Beat(n2, {});
  Pass(seconds(2));
  attempt = LiveOf("1.t.0");
  Report(n2, attempt, {StartedFact{.resumed_from_step = 10}, checkpoint(20)}, 1);
  Disconnect(n1);
  const SessionId back = Connect(CpuWorker("n1", 1));  // it never heard of the attempt
  ASSERT_THAT(Starts(), SizeIs(1));
  ASSERT_TRUE(Starts()[0].resume.has_value());
  EXPECT_EQ(Starts()[0].resume->step, 10);
  // Once it has begun, the old one goes.
  Report(back, attempt, {StartedFact{.resumed_from_step = 10}, checkpoint(30)});
  EXPECT_THAT(tables.artifacts, SizeIs(1));
}

// --- Gangs do not starve
// ------------------------------------------------------------------------------

class PatienceTest : public PlacementTest {
 protected:
  // Single trials end one after the other and others take their place, for as long as said.
  void Churn(const std::vector<SessionId>& sessions, Duration duration) {
    for (Duration passed{0}; passed < duration; passed += seconds(5)) {
      Pass(seconds(5));
      for (const SessionId session : sessions) Beat(session, LiveOn(session));
      const SessionId session = sessions[(passed / seconds(5)) % sessions.size()];
      const std::vector<AttemptId> live = LiveOn(session);
      if (!live.empty()) End(session, live.front());
    }
  }
  std::vector<AttemptId> LiveOn(SessionId session) const {
    std::vector<AttemptId> live;
    for (const auto& [id, row] : tables.attempts) {
      if (core->FindAttempt(id) && row.worker.value == session.value) live.push_back(id);
    }
    return live;
  }
};

TEST_F(PatienceTest, AGangGetsTheSlotsThatFreeUp) {
  const SessionId n1 = Connect(CpuWorker("n1", 4));
  const SessionId n2 = Connect(CpuWorker("n2", 4));
  Submit(SweepOf(1'000));
  Submit(Gang(4));
  Churn({n1, n2}, seconds(50));
  EXPECT_EQ(StateOf("2.t.0"), TrialState::kReady);
  Churn({n1, n2}, seconds(70));
  EXPECT_TRUE(tables.trials.contains(KeyOf("2.t.0"))) << "it was started";
  EXPECT_THAT(EventsOf("slots_reserved"), SizeIs(1));
}

TEST_F(PatienceTest, AGangOverSeveralWorkersGetsThemToo) {
  const SessionId n1 = Connect(CpuWorker("n1", 2));
  const SessionId n2 = Connect(CpuWorker("n2", 2));
  Submit(SweepOf(1'000));
  SweepSpec spec = Gang(4);
  spec.stages[0].resources.spread = Spread::kAny;
  Submit(spec);
  Churn({n1, n2}, seconds(120));
  EXPECT_TRUE(tables.trials.contains(KeyOf("2.t.0")));
}

TEST_F(PatienceTest, TwoGangsDoNotHoldWhatTheOtherNeeds) {
  const SessionId n1 = Connect(CpuWorker("n1", 2));
  const SessionId n2 = Connect(CpuWorker("n2", 2));
  Submit(SweepOf(1'000));
  for (const int slots : {3, 4}) {
    SweepSpec spec = Gang(slots);
    spec.stages[0].resources.spread = Spread::kAny;
    Submit(spec);
  }
  Churn({n1, n2}, seconds(400));
  EXPECT_EQ(tables.trials.count(KeyOf("2.t.0")), 1u);
  EXPECT_EQ(tables.trials.count(KeyOf("3.t.0")), 1u);
}

TEST_F(PatienceTest, HigherPriorityPassesAReservation) {
  const SessionId n1 = Connect(CpuWorker("n1", 2));
  Submit(SweepOf(2));
  Submit(Gang(2));
  for (int beat = 0; beat < 14; ++beat) {
    Pass(seconds(5));
    Beat(n1, LiveOn(n1));
  }
  End(n1, LiveOf("1.t.0"));
  EXPECT_THAT(Started(), IsEmpty()) << "the slot is kept";
  Submit(SweepOf(1));
  EXPECT_THAT(Started(), IsEmpty());
  EXPECT_THAT(Explain("3.t.0"), Contains(HasSubstr("slots are kept for a gang of sweep 2")));
  Submit(Prioritized(1, 60));
  EXPECT_THAT(Started(), ElementsAre("4.t.0@1:0"));
  End(n1, LiveOf("4.t.0"));
  EXPECT_THAT(Started(), IsEmpty());
  End(n1, LiveOf("1.t.1"));
  EXPECT_THAT(Started(), ElementsAre("2.t.0@1:01"));
  End(n1, LiveOf("2.t.0"), {}, seconds(0), 0);
  EXPECT_THAT(Started(), ElementsAre("3.t.0@1:0"));
}

TEST_F(PatienceTest, AReservationMovesOnWhenItsWorkerGoes) {
  const SessionId n1 = Connect(CpuWorker("n1", 2));
  const SessionId n2 = Connect(CpuWorker("n2", 2));
  Submit(SweepOf(4));
  Submit(Gang(2));
  for (int beat = 0; beat < 14; ++beat) {
    Pass(seconds(5));
    for (const SessionId session : {n1, n2}) Beat(session, LiveOn(session));
  }
  const std::vector<AttemptId> on_n1 = LiveOn(n1);
  End(n1, on_n1[0]);
  Disconnect(n1);
  for (const AttemptId attempt : LiveOn(n2)) End(n2, attempt);
  EXPECT_EQ(StateOf("2.t.0"), TrialState::kRunning);
}

}  // namespace
}  // namespace fusor
