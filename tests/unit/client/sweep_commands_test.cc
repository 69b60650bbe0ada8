// submit, ls, show, watch, results and what changes a sweep.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/client/command_fixture.h"

namespace fusor::client {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class SweepCommands : public CommandTest {
 protected:
  SweepCommands() {
    WriteFile("sweep.yaml", "name: demo\nstages: {}\n");
    fake_.answers.get_sweep = [this](const v1::GetSweepRequest& request) {
      return Find(request.sweep());
    };
    fake_.answers.list_sweeps = [this](const v1::ListSweepsRequest&) {
      v1::ListSweepsResponse response;
      for (auto it = sweeps_.rbegin(); it != sweeps_.rend(); ++it) *response.add_sweeps() = *it;
      return response;
    };
    fake_.answers.submit = [this](const v1::SubmitRequest& request) -> Result<v1::SubmitResponse> {
      submitted_.push_back(request);
      v1::SubmitResponse response;
      response.set_sweep(3);
      response.set_trials(16);
      return response;
    };
    fake_.answers.results = [](const v1::ResultsRequest&) -> Result<v1::ResultsResponse> {
      v1::ResultsResponse response;
      v1::ResultTable* table = response.add_tables();
      table->set_stage("fit");
      table->add_axes("model");
      table->add_metrics("val/accuracy");
      for (const auto& [model, mean] : {std::pair("resnet", 0.78123), std::pair("densenet", 0.7)}) {
        v1::ResultRow* row = table->add_rows();
        row->add_axis_values(model);
        v1::ResultValue* value = row->add_values();
        value->set_metric("val/accuracy");
        value->set_count(3);
        value->set_mean(mean);
        value->set_spread(0.0031);
        row->set_succeeded(3);
        row->mutable_running()->set_seconds(90);
      }
      response.mutable_wall()->set_seconds(100);
      response.mutable_running_sum()->set_seconds(180);
      response.set_speed_up(1.8);
      response.set_slot_utilisation(0.9);
      response.set_complete(true);
      return response;
    };
    sweeps_.push_back(MakeSweep(1, "cifar", v1::SWEEP_STATE_FINISHED,
                                {{v1::TRIAL_STATE_SUCCEEDED, 7}, {v1::TRIAL_STATE_FAILED, 1}}));
    sweeps_.push_back(MakeSweep(2, "cinema", v1::SWEEP_STATE_RUNNING,
                                {{v1::TRIAL_STATE_RUNNING, 2}, {v1::TRIAL_STATE_READY, 6}}));
    sweeps_.push_back(
        MakeSweep(3, "demo", v1::SWEEP_STATE_FINISHED, {{v1::TRIAL_STATE_SUCCEEDED, 16}}));
  }

  Result<v1::GetSweepResponse> Find(std::uint64_t id) {
    v1::GetSweepResponse response;
    for (const v1::Sweep& sweep : sweeps_) {
      if (sweep.id() == id || (id == 0 && sweep.id() == sweeps_.back().id())) {
        *response.mutable_sweep() = sweep;
        return response;
      }
    }
    return NotFound("no sweep " + std::to_string(id));
  }

  std::vector<v1::Sweep> sweeps_;
  std::vector<v1::SubmitRequest> submitted_;
};

// Files that trials begin with, asked of the trainer beside this program where there is one.
TEST_F(SweepCommands, FilesAreNamedAsThisMachineSeesThem) {
  const auto add = [this](google::protobuf::RepeatedPtrField<v1::FileCheck>* checks) {
    v1::FileCheck& check = *checks->Add();
    check.set_stage("fit");
    check.set_recipe("fusion");
    check.set_config("{}");
    check.add_paths((folder_ / "sweep.yaml").string());
    check.add_paths("/nowhere/expert_1_best.pth");
  };
  fake_.answers.plan = [&](const v1::PlanRequest&) -> Result<v1::PlanResponse> {
    v1::PlanResponse response;
    add(response.mutable_file_checks());
    add(response.mutable_file_checks());
    return response;
  };
  fake_.answers.submit = [&](const v1::SubmitRequest&) -> Result<v1::SubmitResponse> {
    v1::SubmitResponse response;
    add(response.mutable_file_checks());
    return response;
  };
  const Ran plain = Run({"plan", "sweep.yaml"});
  EXPECT_EQ(plain.code, 0);
  EXPECT_THAT(plain.out, HasSubstr("as this machine sees them\n"
                                   "  fit  /nowhere/expert_1_best.pth: there is no such file\n"
                                   "  not looked into: "));
  const Ran submitted = Run({"submit", "sweep.yaml"});
  EXPECT_EQ(submitted.code, 0);
  EXPECT_THAT(submitted.err, HasSubstr("warning: fit: /nowhere/expert_1_best.pth: there is no"));

  WriteFile("bin/fusor-train",
            "#!/bin/sh\n[ \"$1 $2 $3\" = 'check fusion --config' ] && [ \"$(cat $4)\" = '{}' ] && "
            "echo a.pth: does not fit: conv1.weight && exit 1\n");
  std::filesystem::permissions(folder_ / "bin/fusor-train", std::filesystem::perms::owner_all);
  const Ran looked = Run({"plan", "sweep.yaml", "-o", "json"});
  EXPECT_EQ(looked.code, 0);
  EXPECT_THAT(looked.out, HasSubstr("a.pth: does not fit: conv1.weight"));
  EXPECT_THAT(looked.out, HasSubstr("\"contents_checked\": true"));
  EXPECT_THAT(looked.out, Not(HasSubstr("nowhere")));
  WriteFile("bin/fusor-train", "#!/bin/sh\nexit 0\n");
  EXPECT_THAT(Run({"plan", "sweep.yaml"}).out, HasSubstr("all are there and fit"));
  EXPECT_EQ(Run({"submit", "sweep.yaml"}).err, "");
}

TEST_F(SweepCommands, SubmitSendsTheFileAndSaysWhatIsNext) {
  const Ran ran = Run({"submit", "sweep.yaml", "--set", "seeds=[0,1]"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out,
            "sweep 3 submitted: 16 trials\n\n"
            "  fusor watch 3    # live progress\n"
            "  fusor logs 3 -f  # what the trials write\n"
            "  fusor results 3  # the table, as far as it is\n"
            "  fusor cancel 3   # stop it\n");
  ASSERT_EQ(submitted_.size(), 1U);
  EXPECT_EQ(submitted_[0].source(), "name: demo\nstages: {}\n");
  EXPECT_EQ(submitted_[0].overrides(0), "seeds=[0,1]");
  EXPECT_EQ(submitted_[0].request_id().size(), 32U);
}

TEST_F(SweepCommands, SubmitForPrograms) {
  EXPECT_EQ(Run({"submit", "sweep.yaml", "-o", "id"}).out, "3\n");
  EXPECT_EQ(Run({"submit", "sweep.yaml", "-o", "json", "--request-id", "mine"}).out,
            "{\n  \"sweep\": 3,\n  \"trials\": 16\n}\n");
  EXPECT_EQ(submitted_.back().request_id(), "mine");
}

TEST_F(SweepCommands, RequestIdsDiffer) {
  Run({"submit", "sweep.yaml"});
  Run({"submit", "sweep.yaml"});
  ASSERT_EQ(submitted_.size(), 2U);
  EXPECT_NE(submitted_[0].request_id(), submitted_[1].request_id());
}

TEST_F(SweepCommands, SubmitIsRepeatedWithTheSameIdWhileTheCoordinatorIsUnavailable) {
  fake_.answers.submit = [this](const v1::SubmitRequest& request) -> Result<v1::SubmitResponse> {
    submitted_.push_back(request);
    if (submitted_.size() < 3) return Unavailable("stopping");
    v1::SubmitResponse response;
    response.set_sweep(3);
    return response;
  };
  EXPECT_EQ(Run({"submit", "sweep.yaml", "-o", "id"}).out, "3\n");
  ASSERT_EQ(submitted_.size(), 3U);
  EXPECT_EQ(submitted_[0].request_id(), submitted_[2].request_id());
}

TEST_F(SweepCommands, ProblemsArePrintedLikeACompilersAndExitIs2) {
  fake_.answers.submit = [](const v1::SubmitRequest&) -> Result<v1::SubmitResponse> {
    v1::SubmitResponse response;
    v1::Problem* problem = response.add_problems();
    problem->set_line(2);
    problem->set_column(9);
    problem->set_message("a sweep has at least one stage");
    problem = response.add_problems();
    problem->set_path("seeds");
    problem->set_message("--set seeds=x: not a list");
    return response;
  };
  const Ran ran = Run({"submit", "sweep.yaml"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err,
            "sweep.yaml:2:9: a sweep has at least one stage\n"
            "    2 | stages: {}\n"
            "      |         ^\n"
            "--set seeds=x: not a list\n"
            "2 problems; nothing was submitted\n");
  const Ran json = Run({"submit", "sweep.yaml", "-o", "json"});
  EXPECT_EQ(json.code, 2);
  EXPECT_THAT(json.out, StartsWith("{\n  \"problems\": ["));
}

TEST_F(SweepCommands, MissingFileIsBadInput) {
  const Ran ran = Run({"submit", "nothing.yaml"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ran.err, "error: cannot read nothing.yaml: there is no such file\n");
}

TEST_F(SweepCommands, TheSourceCanComeFromStandardInput) {
  EXPECT_EQ(Run({"submit", "-", "-o", "id"}, "name: x\n").out, "3\n");
  EXPECT_EQ(submitted_.back().source(), "name: x\n");
}

TEST_F(SweepCommands, UnreachableIsExit3WithAdvice) {
  const Ran nobody = RunAlone({"ls", "--data", (folder_ / "empty").string()});
  EXPECT_EQ(nobody.code, 3);
  EXPECT_THAT(nobody.err, HasSubstr("start one: fusord --data "));
  const Ran dead = RunAlone({"ls", "--coordinator", "127.0.0.1:1"});
  EXPECT_EQ(dead.code, 3);
  EXPECT_THAT(dead.err, HasSubstr("the coordinator at 127.0.0.1:1 does not answer"));
}

TEST_F(SweepCommands, AWrongTokenIsExit3WithAdvice) {
  WriteFile("wrong", "secret\n");
  const Ran ran = Run({"ls", "--token-file", (folder_ / "wrong").string()});
  EXPECT_EQ(ran.code, 3);
  EXPECT_THAT(ran.err, HasSubstr("refused the token"));
}

TEST_F(SweepCommands, TheDataFolderComesFromTheEnvironmentToo) {
  variables_["FUSOR_HOME"] = (folder_ / "data").string();
  EXPECT_EQ(RunAlone({"ls", "-o", "id"}).out, "3\n2\n1\n");
}

TEST_F(SweepCommands, LsIsATable) {
  EXPECT_EQ(
      Run({"ls"}).out,
      "ID  NAME    STATE     PROGRESS         TRIALS  RUNNING  FAILED  PRIO  SUBMITTED    TIME\n"
      " 3  demo    finished  ██████████ 100%      16                     50     1m ago  1m 00s\n"
      " 2  cinema  running   ░░░░░░░░░░   0%       8        2            50     1m ago  1m 00s\n"
      " 1  cifar   finished  ██████████ 100%       8                1    50     1m ago  1m 00s\n");
}

TEST_F(SweepCommands, LsAsJsonHasEveryCount) {
  EXPECT_THAT(Run({"ls", "-o", "json"}).out,
              HasSubstr("{\"id\": 2, \"name\": \"cinema\", \"state\": \"running\", \"trials\": 8, "
                        "\"blocked\": 0, \"ready\": 6, \"running\": 2, \"succeeded\": 0, "
                        "\"failed\": 0, \"canceled\": 0, \"skipped\": 0, \"objective\": "
                        "\"val/accuracy\", \"best\": null, \"best_trial\": null, \"priority\": 50, "
                        "\"submitted\": \"2025-06-15T15:05:40.000Z\", \"ended\": null, "
                        "\"seconds\": 60.0}"));
}

TEST_F(SweepCommands, SweepsGoByNumberLastAndNamePrefix) {
  EXPECT_EQ(Run({"show", "2", "-o", "id"}).out, "2\n");
  EXPECT_EQ(Run({"show", "last", "-o", "id"}).out, "3\n");
  EXPECT_EQ(Run({"show", "cin", "-o", "id"}).out, "2\n");
  const Ran ambiguous = Run({"show", "ci"});
  EXPECT_EQ(ambiguous.code, 2);
  EXPECT_THAT(ambiguous.err, HasSubstr("'ci' fits 2 sweeps: 2 (cinema), 1 (cifar)"));
  EXPECT_EQ(Run({"show", "9"}).code, 2);
  EXPECT_THAT(Run({"show", "cifra"}).err, HasSubstr("did you mean 'cifar'?"));
}

TEST_F(SweepCommands, ShowHasStages) {
  const Ran ran = Run({"show", "1"});
  EXPECT_THAT(ran.out, StartsWith("sweep 1 · cifar · finished\n\n"));
  EXPECT_THAT(ran.out, HasSubstr("fit    probe   ██████████ 100%       8  7 succeeded, 1 failed"));
  EXPECT_THAT(ran.out, HasSubstr("fusor trials 1 --state failed"));
}

TEST_F(SweepCommands, WaitFollowsToTheEndAndPrintsTheResults) {
  sweeps_[2] = MakeSweep(3, "demo", v1::SWEEP_STATE_RUNNING, {{v1::TRIAL_STATE_RUNNING, 16}});
  int streams = 0;
  fake_.answers.watch = [&](const v1::WatchSweepRequest& request) {
    Stream<v1::WatchSweepResponse> stream;
    v1::WatchSweepResponse message;
    v1::Event* event = message.add_events();
    event->set_kind("trial_moved");
    event->set_detail("running -> failed");
    event->set_reason("crashed (exited with status 3)");
    event->mutable_trial()->set_sweep(3);
    event->mutable_trial()->set_cell(5);
    event->mutable_time()->set_seconds(1'750'000'001);
    message.set_cursor(40);
    *message.mutable_sweep() = sweeps_[2];
    stream.messages.push_back(message);
    if (++streams == 1) {
      stream.end = Unavailable("gone");
      return stream;
    }
    EXPECT_EQ(request.after_event(), 40U);
    sweeps_[2] = MakeSweep(3, "demo", v1::SWEEP_STATE_FINISHED,
                           {{v1::TRIAL_STATE_SUCCEEDED, 15}, {v1::TRIAL_STATE_FAILED, 1}});
    stream.messages[0].clear_events();
    *stream.messages[0].mutable_sweep() = sweeps_[2];
    return stream;
  };
  const Ran ran = Run({"submit", "sweep.yaml", "--wait"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(streams, 2);
  EXPECT_THAT(ran.out, HasSubstr("3.fit.5  failed  crashed (exited with status 3)\n"));
  EXPECT_THAT(ran.out, HasSubstr("sweep 3 (demo) finished after 1m 00s: 15 succeeded, 1 failed"));
  EXPECT_THAT(ran.out, HasSubstr("resnet    0.7812 ± 0.0031"));
  EXPECT_THAT(ran.out, Not(HasSubstr("\x1b")));
}

TEST_F(SweepCommands, WaitExitsWith0IfEveryTrialSucceeded) {
  const Ran ran = Run({"watch", "3"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.out, HasSubstr("16 succeeded"));
}

TEST_F(SweepCommands, ResultsInEveryForm) {
  const std::string table = Run({"results", "3"}).out;
  EXPECT_EQ(table,
            "model        val/accuracy  seeds    time\n"
            "resnet    0.7812 ± 0.0031    3/3  1m 30s\n"
            "densenet  0.7000 ± 0.0031    3/3  1m 30s\n\n"
            "wall time 1m 40s · sum of trial times 3m 00s · speed-up 1.8x · slots used 90%\n");
  EXPECT_EQ(
      Run({"results", "3", "-o", "csv"}).out,
      "stage,model,precision_used,val/accuracy,val/accuracy_spread,succeeded,failed,open,seconds,"
      "trials\n"
      "fit,resnet,,0.78123,0.0031,3,0,0,90.0,\n"
      "fit,densenet,,0.7,0.0031,3,0,0,90.0,\n");
  EXPECT_THAT(Run({"results", "3", "-o", "json"}).out, HasSubstr("\"speed_up\": 1.8"));
}

// Two fusions over two seeds; the second gains nothing that is sure.
TEST_F(SweepCommands, GainsAndExpectationsFollowTheTable) {
  const auto plain = fake_.answers.results;
  fake_.answers.results = [plain](const v1::ResultsRequest& request) {
    Result<v1::ResultsResponse> response = plain(request);
    v1::ResultTable* table = response->add_gains();
    table->set_stage("fusion");
    table->add_axes("fusion");
    const std::pair<const char*, double> metrics[] = {{"val/accuracy", 0.801},
                                                      {"expert_mean", 0.752},
                                                      {"expert_best", 0.7604},
                                                      {"gain_over_mean", 4.9},
                                                      {"gain_over_best", 4.06}};
    for (const auto& [metric, mean] : metrics) table->add_metrics(metric);
    v1::ResultRow* row = table->add_rows();
    row->add_axis_values("concatenation");
    row->add_trials()->set_sweep(3);
    for (const auto& [metric, mean] : metrics) {
      v1::ResultValue* value = row->add_values();
      value->set_count(3);
      value->set_mean(mean);
      value->set_interval(0.72);
    }
    v1::ExpectationResult* result = response->add_expectations();
    result->set_stage("fusion");
    result->set_metric("val/accuracy");
    result->set_condition(">= 0.85");
    result->set_missed(1);
    result->add_axes("fusion");
    *result->add_missed_rows() = *row;
    return response;
  };
  const std::string shown = Run({"results", "3"}).out;
  EXPECT_THAT(shown,
              HasSubstr("fusion against its experts, val/accuracy; gains in points, with 95% "
                        "intervals over seeds\n"));
  EXPECT_THAT(shown, HasSubstr("concatenation       76.04%       75.20%  80.10%    +4.90 ± 0.72  "
                               "+4.06 ± 0.72      3\n"));
  EXPECT_THAT(shown, HasSubstr("missed  fusion: val/accuracy >= 0.85  by 1 of 1 cell\n"
                               "        fusion=concatenation: 0.801\n"));
  const std::string json = Run({"results", "3", "-o", "json"}).out;
  EXPECT_THAT(json, HasSubstr("\"gain_over_mean\""));
  EXPECT_THAT(json, HasSubstr("\"missed_cells\""));
  EXPECT_EQ(Run({"watch", "3"}).code, 4);
  EXPECT_EQ(Run({"results", "3", "--gains", "-o", "csv"}).out,
            "stage,fusion,precision_used,metric,value,part,part_mean,part_best,gain_over_mean,"
            "gain_over_mean_interval,gain_over_best,gain_over_best_interval,seeds,trials\n"
            "fusion,concatenation,,val/"
            "accuracy,0.801,expert,0.752,0.7604,4.9,0.72,4.06,0.72,3,3.fusion.0\n");
  EXPECT_EQ(Run({"results", "3", "--gains", "-o", "id"}).out, "3.fusion.0\n");
  EXPECT_THAT(Run({"results", "3", "--gains"}).out, StartsWith("fusion against its experts"));
  EXPECT_THAT(Run({"show", "3"}).out, Not(HasSubstr("missed"))) << "its file expects nothing";
  sweeps_[2].mutable_stages(0)->set_expectations(1);
  EXPECT_THAT(Run({"show", "3"}).out,
              HasSubstr("\nmissed  fusion: val/accuracy >= 0.85  by 1 of 1 cell\n"));
}

TEST_F(SweepCommands, RmAsksFirst) {
  int removed = 0;
  fake_.answers.remove = [&](const v1::DeleteSweepRequest&) -> Result<v1::DeleteSweepResponse> {
    ++removed;
    return v1::DeleteSweepResponse();
  };
  EXPECT_EQ(Run({"rm", "3"}, "n\n").code, 1);
  EXPECT_EQ(removed, 0);
  const Ran nobody = Run({"rm", "3"});
  EXPECT_EQ(nobody.code, 2);
  EXPECT_THAT(nobody.err, HasSubstr("say --yes"));
  EXPECT_EQ(removed, 0);
  EXPECT_EQ(Run({"rm", "3"}, "y\n").code, 0);
  EXPECT_EQ(removed, 1);
  EXPECT_EQ(Run({"rm", "1", "--yes"}).code, 0);
  EXPECT_EQ(removed, 2);
  const Ran running = Run({"rm", "2", "--yes"});
  EXPECT_EQ(running.code, 2);
  EXPECT_THAT(running.err, HasSubstr("fusor cancel 2"));
  EXPECT_EQ(removed, 2);
}

TEST_F(SweepCommands, SetSendsOnlyWhatIsSaid) {
  std::vector<v1::SetSweepRequest> requests;
  fake_.answers.set = [&](const v1::SetSweepRequest& request) -> Result<v1::SetSweepResponse> {
    requests.push_back(request);
    return v1::SetSweepResponse();
  };
  EXPECT_EQ(Run({"set", "2", "priority=80"}).code, 0);
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].priority(), 80);
  EXPECT_FALSE(requests[0].has_max_running());
  EXPECT_EQ(Run({"set", "2", "priority=100"}).code, 2);
  EXPECT_THAT(Run({"set", "2", "prority=1"}).err, HasSubstr("did you mean 'priority'?"));
  EXPECT_EQ(requests.size(), 1U);
}

TEST_F(SweepCommands, ExtendTakesListsAndRanges) {
  v1::ExtendSweepRequest sent;
  fake_.answers.extend =
      [&](const v1::ExtendSweepRequest& request) -> Result<v1::ExtendSweepResponse> {
    sent = request;
    v1::ExtendSweepResponse response;
    response.set_trials_added(10);
    return response;
  };
  EXPECT_EQ(Run({"extend", "2", "--seeds", "3,5-7"}).code, 0);
  EXPECT_EQ(std::vector<std::int64_t>(sent.seeds().begin(), sent.seeds().end()),
            (std::vector<std::int64_t>{3, 5, 6, 7}));
  EXPECT_EQ(Run({"extend", "2", "--seeds", "x"}).code, 2);
  EXPECT_EQ(Run({"extend", "2"}).code, 2);
}

TEST_F(SweepCommands, WhatIsSteeredTwiceSaysSo) {
  fake_.answers.cancel_sweep =
      [](const v1::CancelSweepRequest&) -> Result<v1::CancelSweepResponse> {
    return FailedPrecondition("sweep 1 is finished");
  };
  fake_.answers.pause = [](const v1::PauseSweepRequest& request) -> Result<v1::PauseSweepResponse> {
    if (request.sweep() == 99) return NotFound("no sweep 99");
    return FailedPrecondition("sweep 1 is finished");
  };
  fake_.answers.resume = [](const v1::ResumeSweepRequest&) -> Result<v1::ResumeSweepResponse> {
    return FailedPrecondition("sweep 1 is finished");
  };
  const Ran canceled = Run({"cancel", "1"});
  EXPECT_EQ(canceled.code, 0) << canceled.err;
  EXPECT_THAT(
      canceled.out,
      HasSubstr("sweep 1 had finished already (7 succeeded, 1 failed): nothing to cancel\n"));
  EXPECT_EQ(Run({"cancel", "1", "-o", "json"}).out, "{\n  \"canceled\": 0\n}\n");
  EXPECT_EQ(Run({"pause", "1"}).code, 2);
  EXPECT_EQ(Run({"resume", "1"}).err,
            "error: sweep 1 had finished already: there is nothing to resume\n"
            "  fusor results 1 shows what came of it\n");
  const Ran unknown = Run({"pause", "99"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_EQ(unknown.err, "error: no sweep 99\n  fusor ls lists the sweeps\n");
  EXPECT_THAT(Run({"cancel", "cifra"}).err, HasSubstr("did you mean 'cifar'?"));
}

// A script that asks again with the same id after the sweep has ended gets the first answer.
TEST_F(SweepCommands, ARepeatedPauseIsLeftToTheCoordinator) {
  fake_.answers.pause = [](const v1::PauseSweepRequest&) { return v1::PauseSweepResponse(); };
  fake_.answers.resume = [](const v1::ResumeSweepRequest&) { return v1::ResumeSweepResponse(); };
  ASSERT_EQ(sweeps_[0].state(), v1::SWEEP_STATE_FINISHED);
  EXPECT_EQ(Run({"pause", "1", "--request-id", "p"}).code, 0);
  EXPECT_EQ(Run({"resume", "1", "--request-id", "r"}).code, 0);
}

TEST_F(SweepCommands, PauseAndResume) {
  bool now = false;
  fake_.answers.pause =
      [&](const v1::PauseSweepRequest& request) -> Result<v1::PauseSweepResponse> {
    now = request.now();
    EXPECT_FALSE(request.request_id().empty());
    return v1::PauseSweepResponse();
  };
  fake_.answers.resume = [](const v1::ResumeSweepRequest&) -> Result<v1::ResumeSweepResponse> {
    return FailedPrecondition("sweep 2 is not paused");
  };
  EXPECT_THAT(Run({"pause", "2"}).out, HasSubstr("running trials go on to their end"));
  EXPECT_FALSE(now);
  EXPECT_THAT(Run({"pause", "2", "--now"}).out, HasSubstr("fusor resume 2"));
  EXPECT_TRUE(now);
  const Ran ran = Run({"resume", "2"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ran.err, "error: sweep 2 is not paused\n");
  EXPECT_EQ(Run({"resume"}).code, 2);
}

}  // namespace
}  // namespace fusor::client
