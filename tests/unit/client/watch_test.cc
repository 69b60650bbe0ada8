// The live view: its model, its frames, and how they are drawn.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "client/terminal/screen.h"
#include "client/view/pace.h"
#include "client/view/watch_model.h"
#include "client/view/watch_view.h"
#include "tests/unit/client/command_fixture.h"

namespace fusor::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr Time kNow = Time(Duration(1'750'000'000'000));

v1::WatchSweepResponse Message() {
  v1::WatchSweepResponse message;
  *message.mutable_sweep() = MakeSweep(
      7, "demo", v1::SWEEP_STATE_RUNNING,
      {{v1::TRIAL_STATE_SUCCEEDED, 4}, {v1::TRIAL_STATE_RUNNING, 1}, {v1::TRIAL_STATE_READY, 3}});
  v1::RunningTrial* trial = message.add_running();
  trial->mutable_trial()->set_sweep(7);
  trial->mutable_trial()->set_cell(4);
  trial->set_name("task-4-resnet");
  trial->set_attempt(99);
  trial->set_number(2);
  trial->set_worker("n1");
  trial->add_slots(0);
  trial->set_step(250);
  trial->set_steps(1'000);
  trial->set_steps_per_second(25);
  v1::SlotUse* slot = message.add_slots();
  slot->set_worker("n1");
  slot->set_utilisation(0.5);
  slot->set_memory_used_gib(10.2);
  slot->set_memory_gib(80);
  slot->set_temperature_celsius(61);
  slot->set_attempt(99);
  message.set_cursor(17);
  return message;
}

TEST(Pace, EstimatesFromWhatWasDoneLately) {
  Pace pace;
  pace.Add(kNow, 0);
  EXPECT_FALSE(pace.Left(10).has_value());
  pace.Add(kNow + Duration(2'000), 1);
  EXPECT_FALSE(pace.Left(10).has_value());
  pace.Add(kNow + Duration(10'000), 5);
  EXPECT_EQ(pace.Left(10), Duration(20'000));
  Pace idle;
  idle.Add(kNow, 3);
  idle.Add(kNow + Duration(10'000), 3);
  EXPECT_FALSE(idle.Left(10).has_value());
}

TEST(WatchModel, TellsWhatHappened) {
  WatchModel model(MakeSweep(7, "demo", v1::SWEEP_STATE_RUNNING, {}));
  v1::WatchSweepResponse message = Message();
  for (const char* detail :
       {"ready -> running", "blocked -> ready", "running -> ready", "running -> failed"}) {
    v1::Event* event = message.add_events();
    event->set_kind("trial_moved");
    event->set_detail(detail);
    event->mutable_trial()->set_sweep(7);
    event->mutable_trial()->set_cell(4);
  }
  const std::vector<Happening> told = model.Apply(message, kNow);
  ASSERT_EQ(told.size(), 3U);
  EXPECT_EQ(told[0].who, "task-4-resnet");
  EXPECT_EQ(told[0].what, "running");
  EXPECT_EQ(told[1].what, "waits again");
  EXPECT_EQ(told[2].what, "failed");
  EXPECT_EQ(told[2].style, Style::kBad);
  EXPECT_EQ(model.cursor(), 17U);
  EXPECT_DOUBLE_EQ(model.Work(), 4.25);
}

TEST(WatchModel, AMessageOfEventsAloneKeepsWhatRuns) {
  WatchModel model(MakeSweep(7, "demo", v1::SWEEP_STATE_RUNNING, {}));
  model.Apply(Message(), kNow);
  model.Apply(v1::WatchSweepResponse(), kNow);
  EXPECT_EQ(model.running().size(), 1U);
  v1::WatchSweepResponse none = Message();
  none.clear_running();
  model.Apply(none, kNow);
  EXPECT_TRUE(model.running().empty());
}

TEST(WatchView, FrameShowsTrialsAndSlots) {
  WatchModel model(MakeSweep(7, "demo", v1::SWEEP_STATE_RUNNING, {}));
  model.Apply(Message(), kNow);
  EXPECT_THAT(WatchFrame(model, kNow, Look(), 40),
              ElementsAre("sweep 7 · demo · running · 4 succeeded, 1 running, 3 waiting",
                          "█████████████████░░░░░░░░░░░░░░░  53%  1m 00s", "",
                          "TRIAL             PROGRESS                   STEP  RATE   LEFT  WHERE",
                          "task-4-resnet #2  ████░░░░░░░░░░░░  25%  250/1000  25/s  30.0s  n1:0",
                          "", "SLOT  USE                 MEMORY  TEMP  TRIAL",
                          "n1:0  ████░░░░  50%  10.2/80 GiB  61°C  task-4-resnet", ""));
}

TEST(WatchView, FrameFitsItsRows) {
  WatchModel model(MakeSweep(7, "demo", v1::SWEEP_STATE_RUNNING, {}));
  v1::WatchSweepResponse message = Message();
  for (int i = 0; i < 60; ++i) {
    *message.add_running() = message.running(0);
    *message.add_slots() = message.slots(0);
  }
  model.Apply(message, kNow);
  const std::vector<std::string> frame = WatchFrame(model, kNow, Look(), 24);
  EXPECT_LE(frame.size(), 24U);
  std::string all;
  for (const std::string& line : frame) all += line + "\n";
  EXPECT_THAT(all, HasSubstr("more running"));
  EXPECT_THAT(all, HasSubstr("more slots"));
  EXPECT_EQ(WatchFrame(model, kNow, Look(), 2).size(), 2U);
}

TEST(WatchView, NotesStandBelowTheBar) {
  WatchModel model(MakeSweep(7, "demo", v1::SWEEP_STATE_RUNNING, {}));
  model.SetWaitingNote("waiting: no worker is connected");
  EXPECT_EQ(WatchFrame(model, kNow, Look(), 24)[2], "waiting: no worker is connected");
  model.SetConnectionNote("the coordinator does not answer");
  EXPECT_EQ(WatchFrame(model, kNow, Look(), 24)[2], "the coordinator does not answer");
}

TEST(Screen, DrawsInPlaceAndKeepsWhatIsPrintedAbove) {
  std::ostringstream out;
  Environment environment;
  environment.out = &out;
  environment.terminal = [] { return Terminal{true, 10, 5}; };
  {
    Screen screen(environment);
    screen.Draw({"one", "a line that is too long"});
    EXPECT_EQ(out.str(), "\x1b[?25lone\na line tha\n");
    out.str("");
    screen.PrintAbove({"kept"});
    EXPECT_EQ(out.str(), "\r\x1b[2A\x1b[Jkept\none\na line tha\n");
    out.str("");
    screen.Draw({"1", "2", "3", "4", "5", "6"});
    EXPECT_EQ(out.str(), "\r\x1b[2A\x1b[J1\n2\n3\n4\n");
    out.str("");
  }
  EXPECT_EQ(out.str(), "\x1b[?25h");
}

}  // namespace
}  // namespace fusor::client
