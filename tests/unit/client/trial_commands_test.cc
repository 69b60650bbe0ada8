// trials, trial, explain, logs, metrics, cancel, retry, workers, drain, artifacts, get.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/link/file_hash.h"
#include "tests/unit/client/command_fixture.h"

namespace fusor::client {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string Sha256(const std::string& bytes) {
  Hasher hasher;
  hasher.Add(bytes);
  return hasher.Finish();
}

class TrialCommands : public CommandTest {
 protected:
  TrialCommands() {
    fake_.answers.get_sweep = [](const v1::GetSweepRequest&) {
      v1::GetSweepResponse response;
      *response.mutable_sweep() =
          MakeSweep(7, "demo", v1::SWEEP_STATE_RUNNING, {{v1::TRIAL_STATE_RUNNING, 3}});
      return response;
    };
    fake_.answers.list_trials = [this](const v1::ListTrialsRequest& request) {
      listed_.push_back(request);
      v1::ListTrialsResponse response;
      response.set_total(3);
      response.add_axes("model");
      const int first = request.page_token().empty() ? 0 : std::stoi(request.page_token());
      for (int i = first; i < 3 && i < first + 2; ++i) *response.add_trials() = MakeTrial(i);
      if (first + 2 < 3) response.set_next_page_token(std::to_string(first + 2));
      return response;
    };
    fake_.answers.get_trial =
        [](const v1::GetTrialRequest& request) -> Result<v1::GetTrialResponse> {
      v1::GetTrialResponse response;
      *response.mutable_trial() = MakeTrial(request.id().back() - '0');
      response.add_chosen_params("model");
      v1::Attempt* attempt = response.add_attempts();
      attempt->set_number(1);
      attempt->set_outcome("crashed(exit)");
      attempt->set_worker("n1");
      attempt->add_slots(0);
      attempt->set_resumed_from_step(-1);
      attempt->add_log_tail("Segmentation \x1b[31mfault");
      return response;
    };
  }

  static v1::Trial MakeTrial(int cell) {
    v1::Trial trial;
    trial.set_id("7.fit." + std::to_string(cell));
    trial.set_name("task-" + std::to_string(cell) + "-resnet");
    trial.set_stage("fit");
    trial.set_state(cell == 1 ? v1::TRIAL_STATE_FAILED : v1::TRIAL_STATE_RUNNING);
    if (cell == 1) trial.set_failure("crashed(exit)");
    if (cell == 1) trial.set_reason("exit status 3");
    trial.add_axis_values("resnet");
    (*trial.mutable_params())["model"] = "resnet";
    (*trial.mutable_params())["epochs"] = "10";
    (*trial.mutable_params())["momentum"] = "0.9";
    trial.set_attempts(1);
    trial.set_step(1'200);
    return trial;
  }

  // Serves `content` as artifact 12 of trial 7.fit.0.
  void ServeArtifact(const std::string& content, const std::string& path) {
    fake_.answers.list_artifacts =
        [content, path](const v1::ListArtifactsRequest&) -> Result<v1::ListArtifactsResponse> {
      v1::ListArtifactsResponse response;
      v1::Artifact* artifact = response.add_artifacts();
      artifact->set_id(12);
      artifact->set_kind("model");
      artifact->set_name("model.safetensors");
      artifact->set_bytes(content.size());
      artifact->set_sha256(Sha256(content));
      artifact->set_trial_name("task-0-resnet");
      artifact->set_path(path);
      return response;
    };
    fake_.answers.download = [this, content](const v1::DownloadRequest& request) {
      offsets_.push_back(request.offset());
      Stream<v1::DownloadResponse> stream;
      for (std::size_t at = request.offset(); at < content.size(); at += 4) {
        v1::DownloadResponse message;
        message.set_offset(at);
        message.set_bytes(content.size());
        message.set_chunk(content.substr(at, 4));
        stream.messages.push_back(message);
      }
      return stream;
    };
  }

  std::vector<v1::ListTrialsRequest> listed_;
  std::vector<std::uint64_t> offsets_;
};

TEST_F(TrialCommands, TrialsReadsEveryPage) {
  EXPECT_EQ(Run({"trials", "7"}).out,
            "ID       NAME           STATE     STEP  ATTEMPTS  WHY\n"
            "7.fit.0  task-0-resnet  running  1,200         1\n"
            "7.fit.1  task-1-resnet  failed   1,200         1  crashed: exit status 3\n"
            "7.fit.2  task-2-resnet  running  1,200         1\n");
  EXPECT_EQ(Run({"trials", "7", "-o", "id"}).out, "7.fit.0\n7.fit.1\n7.fit.2\n");
}

TEST_F(TrialCommands, TrialsPassesFiltersOn) {
  Run({"trials", "7", "--state", "failed", "--state", "skipped", "--where", "model=resnet",
       "--stage", "fi"});
  ASSERT_FALSE(listed_.empty());
  EXPECT_EQ(listed_[0].stage(), "fi");
  EXPECT_EQ(listed_[0].states_size(), 2);
  EXPECT_EQ(listed_[0].states(1), v1::TRIAL_STATE_SKIPPED);
  EXPECT_EQ(listed_[0].where(), "model=resnet");
}

TEST_F(TrialCommands, TheTableIsLimitedAndSaysSo) {
  const std::string out = Run({"trials", "7", "--limit", "2"}).out;
  EXPECT_THAT(out, HasSubstr("7.fit.1"));
  EXPECT_THAT(out, Not(HasSubstr("7.fit.2")));
  EXPECT_THAT(out, HasSubstr("and 1 more; --limit 0 shows all"));
}

TEST_F(TrialCommands, TrialsAsJsonHasAxes) {
  EXPECT_THAT(
      Run({"trials", "7", "-o", "json"}).out,
      HasSubstr("\"stage\": \"fit\", \"axes\": {\"model\": \"resnet\"}, \"state\": \"failed\", "
                "\"failure\": \"crashed(exit)\""));
}

TEST_F(TrialCommands, TrialShowsAttemptsAndLastLinesHarmlessly) {
  const Ran ran = Run({"trial", "last.f.1"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("trial 7.fit.1 · task-1-resnet · failed"));
  EXPECT_THAT(ran.out, HasSubstr("Segmentation ?[31mfault"));
  EXPECT_THAT(ran.out, HasSubstr("fusor retry 7.fit.1"));
}

TEST_F(TrialCommands, TrialShowsWhatTheFileChoseAndTheRestAsData) {
  const std::string out = Run({"trial", "7.fit.1"}).out;
  EXPECT_THAT(out, HasSubstr("parameters  model: resnet\n"));
  EXPECT_THAT(out, HasSubstr("  2 at their defaults (-o json shows them)\n"));
  EXPECT_THAT(out, Not(HasSubstr("momentum")));
  EXPECT_THAT(Run({"trial", "7.fit.1", "-o", "json"}).out, HasSubstr("\"momentum\": \"0.9\""));
}

TEST_F(TrialCommands, WrongTrialsAreExplained) {
  EXPECT_THAT(Run({"trial", "7"}).err, HasSubstr("a trial is SWEEP.STAGE.INDEX"));
  EXPECT_THAT(Run({"trial", "7.fitt.1"}).err, HasSubstr("no stage 'fitt'; did you mean 'fit'?"));
}

TEST_F(TrialCommands, ExplainListsReasonsInOrder) {
  fake_.answers.explain =
      [](const v1::ExplainTrialRequest& request) -> Result<v1::ExplainTrialResponse> {
    EXPECT_EQ(request.id(), "7.fit.2");
    v1::ExplainTrialResponse response;
    response.set_state(v1::TRIAL_STATE_READY);
    response.add_reasons("needs 2 gpu slots on one worker; the largest free is 1 on n3");
    response.add_reasons("n1 offers no bf16");
    return response;
  };
  EXPECT_EQ(Run({"explain", "7.fit.2"}).out,
            "7.fit.2 is ready:\n"
            "  1. needs 2 gpu slots on one worker; the largest free is 1 on n3\n"
            "  2. n1 offers no bf16\n");
}

TEST_F(TrialCommands, ExplainOfATrialThatIsOverSaysHowItEnded) {
  fake_.answers.explain = [](const v1::ExplainTrialRequest&) {
    v1::ExplainTrialResponse response;
    response.set_state(v1::TRIAL_STATE_FAILED);
    return response;
  };
  EXPECT_EQ(Run({"explain", "7.fit.1"}).out,
            "7.fit.1 has failed:\n"
            "  1. crashed: exit status 3\n");
}

TEST_F(TrialCommands, FailuresReadAsPlainWords) {
  fake_.answers.get_trial = [](const v1::GetTrialRequest&) -> Result<v1::GetTrialResponse> {
    v1::GetTrialResponse response;
    *response.mutable_trial() = MakeTrial(1);
    response.mutable_trial()->set_failure("out_of_memory(device)");
    response.mutable_trial()->set_reason("");
    for (const char* outcome : {"lost", "crashed(signal)", "timed_out", "released"}) {
      response.add_attempts()->set_outcome(outcome);
    }
    return response;
  };
  const std::string out = Run({"trial", "7.fit.1"}).out;
  for (const char* words :
       {"out of memory (GPU)", "worker lost", "crashed (by a signal)", "timed out", "released"}) {
    EXPECT_THAT(out, HasSubstr(words));
  }
  EXPECT_THAT(Run({"trial", "7.fit.1", "-o", "json"}).out, HasSubstr("\"out_of_memory(device)\""))
      << "programs get the names of sweep files";
}

TEST_F(TrialCommands, ASkippedTrialNamesWhatItNeededAndWhereToLook) {
  fake_.answers.get_trial = [](const v1::GetTrialRequest&) -> Result<v1::GetTrialResponse> {
    v1::GetTrialResponse response;
    *response.mutable_trial() = MakeTrial(2);
    response.mutable_trial()->set_state(v1::TRIAL_STATE_SKIPPED);
    response.mutable_trial()->set_reason("needs 7.fit.0, which failed: hung");
    return response;
  };
  fake_.answers.explain = [](const v1::ExplainTrialRequest&) -> Result<v1::ExplainTrialResponse> {
    v1::ExplainTrialResponse response;
    response.set_state(v1::TRIAL_STATE_SKIPPED);
    response.add_reasons("needs 7.fit.0, which failed: hung");
    response.add_reasons("needs 7.fit.1, which was canceled");
    response.add_skipped_because_of("7.fit.0");
    response.add_skipped_because_of("7.fit.1");
    return response;
  };
  const std::string next =
      "\n  fusor trial 7.fit.0          # what happened to it\n"
      "  fusor retry 7.fit.0 7.fit.1  # brings back what was skipped because of it\n";
  EXPECT_EQ(Run({"explain", "7.fit.2"}).out,
            "7.fit.2 was skipped:\n"
            "  1. needs 7.fit.0, which failed: hung\n"
            "  2. needs 7.fit.1, which was canceled\n" +
                next);
  const std::string trial = Run({"trial", "7.fit.2"}).out;
  EXPECT_THAT(trial, HasSubstr("needs 7.fit.1, which was canceled\n"));
  EXPECT_THAT(trial, testing::EndsWith(next));
}

TEST_F(TrialCommands, BestOfAStageIsTheBestOfWhatFits) {
  v1::BestTrialRequest asked;
  fake_.answers.best_trial = [&](const v1::BestTrialRequest& request) {
    asked = request;
    v1::BestTrialResponse response;
    response.set_id("7.fit.2");
    return response;
  };
  EXPECT_EQ(Run({"best", "7", "--stage", "fit", "--where", "model=resnet", "-o", "id"}).out,
            "7.fit.2\n");
  EXPECT_EQ(asked.sweep(), 7U);
  EXPECT_EQ(asked.stage(), "fit");
  EXPECT_EQ(asked.where(), "model=resnet");
}

TEST_F(TrialCommands, WhatIsNotThereSaysWhereToLook) {
  fake_.answers.get_trial = [](const v1::GetTrialRequest&) -> Result<v1::GetTrialResponse> {
    return NotFound("no trial 7.fit.9: the stage has 3 cells");
  };
  const Ran ran = Run({"trial", "7.fit.9"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ran.err,
            "error: no trial 7.fit.9: the stage has 3 cells\n"
            "  fusor trials SWEEP lists them\n");
}

TEST_F(TrialCommands, ACancelThatChangesNothingSaysSo) {
  fake_.answers.cancel_sweep = [](const v1::CancelSweepRequest&) {
    return v1::CancelSweepResponse();
  };
  EXPECT_THAT(Run({"cancel", "7"}).out,
              HasSubstr("sweep 7 has nothing left to run (3 running): nothing to cancel\n"));
  EXPECT_EQ(Run({"cancel", "7", "-o", "id"}).out, "7\n");
}

TEST_F(TrialCommands, LogsArePrefixedByTrialOnlyForSweeps) {
  fake_.answers.logs = [](const v1::WatchLogsRequest&) {
    Stream<v1::WatchLogsResponse> stream;
    v1::LogLine* line = stream.messages.emplace_back().add_lines();
    line->mutable_trial()->set_sweep(7);
    line->set_trial_name("task-0-densenet-multiplicative");
    line->set_text("epoch 1\n");
    return stream;
  };
  EXPECT_EQ(Run({"logs", "7"}).out, "[task-0-densenet-multiplicative] epoch 1\n");
  EXPECT_EQ(Run({"logs", "7.fit.0"}).out, "epoch 1\n");
  // Other commands take the id as it is.
  EXPECT_THAT(Run({"logs", "7", "-o", "json"}).out, HasSubstr("\"trial\": \"7.fit.0\""));
}

TEST_F(TrialCommands, FollowedLogsGoOnAfterABrokenConnection) {
  std::vector<std::uint64_t> cursors;
  fake_.answers.get_info = [](const v1::GetInfoRequest&) -> Result<v1::GetInfoResponse> {
    return v1::GetInfoResponse();
  };
  fake_.answers.logs = [&](const v1::WatchLogsRequest& request) {
    cursors.push_back(request.cursor());
    Stream<v1::WatchLogsResponse> stream;
    v1::LogLine* line = stream.messages.emplace_back().add_lines();
    line->set_cursor(request.cursor() + 5);
    line->set_text("line " + std::to_string(cursors.size()));
    if (cursors.size() == 1) stream.end = Unavailable("gone");
    return stream;
  };
  const Ran ran = Run({"logs", "7.fit.0", "-f"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out, "line 1\nline 2\n");
  EXPECT_EQ(cursors, (std::vector<std::uint64_t>{0, 5}));
}

TEST_F(TrialCommands, MetricsAsCsvHasEveryPointOfEverySeries) {
  fake_.answers.list_metrics =
      [](const v1::ListMetricsRequest& request) -> Result<v1::ListMetricsResponse> {
    v1::ListMetricsResponse response;
    if (request.names_size() == 0) {
      for (const char* name : {"loss", "val/accuracy"}) {
        v1::Series* series = response.add_series();
        series->set_name(name);
        series->set_points(2);
      }
      return response;
    }
    v1::Points* points = response.add_points();
    points->set_name(request.names(0));
    for (const int step : {1, 2}) {
      points->add_steps(step);
      points->add_values(step == 2 ? 0 : 0.5);
      points->add_attempt_numbers(1);
      points->add_nonfinite(step == 2 ? v1::NONFINITE_NAN : v1::NONFINITE_UNSPECIFIED);
    }
    return response;
  };
  EXPECT_EQ(Run({"metrics", "7.fit.0", "-o", "csv"}).out,
            "name,step,value,attempt,time\n"
            "loss,1,0.5,1,\nloss,2,nan,1,\nval/accuracy,1,0.5,1,\nval/accuracy,2,nan,1,\n");
  EXPECT_EQ(Run({"metrics", "7.fit.0", "-o", "id"}).out, "loss\nval/accuracy\n");
  const Ran wrong = Run({"metrics", "7.fit.0", "--name", "los"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("did you mean 'loss'?"));
}

TEST_F(TrialCommands, CancelTakesASweepOrTrialsButNotBoth) {
  std::vector<std::string> trials;
  fake_.answers.cancel_trials =
      [&](const v1::CancelTrialsRequest& request) -> Result<v1::CancelTrialsResponse> {
    trials.assign(request.trials().begin(), request.trials().end());
    v1::CancelTrialsResponse response;
    response.set_trials(2);
    return response;
  };
  EXPECT_EQ(Run({"cancel", "7.fit.0", "last.fit.2"}).code, 0);
  EXPECT_EQ(trials, (std::vector<std::string>{"7.fit.0", "7.fit.2"}));
  EXPECT_EQ(Run({"cancel", "7.fit.0", "7"}).code, 2);
}

TEST_F(TrialCommands, RetryOfASweep) {
  std::uint64_t sweep = 0;
  fake_.answers.retry =
      [&](const v1::RetryTrialsRequest& request) -> Result<v1::RetryTrialsResponse> {
    sweep = request.sweep();
    v1::RetryTrialsResponse response;
    response.set_trials(1);
    return response;
  };
  EXPECT_THAT(Run({"retry", "7"}).out, HasSubstr("1 trial will run again\n\n  fusor watch 7\n"));
  EXPECT_EQ(sweep, 7U);
}

TEST_F(TrialCommands, WorkersAndTheirTroubles) {
  fake_.answers.list_workers =
      [](const v1::ListWorkersRequest&) -> Result<v1::ListWorkersResponse> {
    v1::ListWorkersResponse response;
    v1::Worker* worker = response.add_workers();
    worker->set_id(1);
    worker->set_name("n1");
    worker->set_state("connected");
    worker->add_precisions("fp32");
    worker->add_precisions("bf16");
    for (const std::uint32_t index : {0U, 1U}) {
      v1::Slot* slot = worker->add_slots();
      slot->set_index(index);
      slot->set_gpu(true);
      slot->set_gpu_type("H200");
      slot->set_attempt(index);
      if (index == 1) slot->set_condition("quarantined: 3 trials failed at once");
    }
    worker->add_notes("GPU 2 (Quadro K2000) is not offered: compute capability 3.0");
    return response;
  };
  const std::string out = Run({"workers"}).out;
  EXPECT_EQ(out,
            "ID  NAME  STATE      BUSY  SLOTS     PRECISIONS  SEEN\n"
            " 1  n1    connected   1/2  2 x H200  fp32 bf16    now\n\n"
            "n1: slot 1 quarantined: 3 trials failed at once\n"
            "n1: GPU 2 (Quadro K2000) is not offered: compute capability 3.0\n\n"
            "  fusor resume --worker n1  # ends its drain and its quarantines\n");
  EXPECT_EQ(Run({"workers", "-o", "id"}).out, "n1\n");
  EXPECT_THAT(Run({"workers", "n2"}).err, HasSubstr("no worker 'n2'; did you mean 'n1'?"));
}

TEST_F(TrialCommands, DrainSendsTheDeadlineAsAMoment) {
  v1::DrainRequest sent;
  fake_.answers.drain = [&](const v1::DrainRequest& request) -> Result<v1::DrainResponse> {
    sent = request;
    return v1::DrainResponse();
  };
  EXPECT_EQ(Run({"drain", "n1", "--deadline", "10m", "--reason", "new driver"}).code, 0);
  EXPECT_EQ(sent.deadline().seconds(), 1'750'000'600);
  EXPECT_EQ(sent.reason(), "new driver");
}

TEST_F(TrialCommands, GetWritesVerifiesAndResumes) {
  const std::string content = "the weights of a small net";
  ServeArtifact(content, "resnet/model.safetensors");
  WriteFile("runs/resnet/model.safetensors.part", content.substr(0, 8));
  const Ran ran = Run({"get", "7.fit.0", "-o", "runs", "--what", "models"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ReadFile("runs/resnet/model.safetensors"), content);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "runs/resnet/model.safetensors.part"));
  EXPECT_EQ(offsets_, (std::vector<std::uint64_t>{8}));
  EXPECT_THAT(Run({"get", "a12", "-o", "runs"}).out, HasSubstr("(there already)"));
  EXPECT_EQ(offsets_.size(), 1U);
}

TEST_F(TrialCommands, GetStartsAgainWhenThePartIsOfAnotherFile) {
  const std::string content = "the weights of a small net";
  ServeArtifact(content, "model");
  WriteFile("runs/model.part", "something");
  EXPECT_EQ(Run({"get", "7.fit.0", "-o", "runs", "--what", "models"}).code, 0);
  EXPECT_EQ(ReadFile("runs/model"), content);
  EXPECT_EQ(offsets_, (std::vector<std::uint64_t>{9, 0}));
}

TEST_F(TrialCommands, GetRefusesDamagedBytes) {
  ServeArtifact("the weights", "model");
  const auto serve = fake_.answers.download;
  fake_.answers.download = [serve](const v1::DownloadRequest& request) {
    Stream<v1::DownloadResponse> stream = serve(request);
    stream.messages[0].set_chunk("THE ");
    return stream;
  };
  const Ran ran = Run({"get", "7.fit.0", "-o", "runs", "--what", "models"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("the bytes do not have the sha256"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "runs/model"));
}

TEST_F(TrialCommands, GetRefusesPathsThatLeaveTheFolder) {
  for (const char* path : {"../escape", "/etc/escape", "a/../../escape", "a//b", "a/./b", "a\nb"}) {
    ServeArtifact("bytes", path);
    const Ran ran = Run({"get", "7.fit.0", "-o", "runs", "--what", "models"});
    EXPECT_EQ(ran.code, 1) << path;
    EXPECT_THAT(ran.err, HasSubstr("a path that is refused")) << path;
  }
  std::filesystem::create_directories(folder_ / "elsewhere");
  std::filesystem::create_directories(folder_ / "runs");
  std::filesystem::create_directory_symlink(folder_ / "elsewhere", folder_ / "runs" / "link");
  ServeArtifact("bytes", "link/model");
  EXPECT_THAT(Run({"get", "7.fit.0", "-o", "runs", "--what", "models"}).err,
              HasSubstr("is a symbolic link"));
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "elsewhere"));
  EXPECT_TRUE(offsets_.empty());
}

TEST_F(TrialCommands, GetOfASweepWritesLogsByTrial) {
  fake_.answers.logs = [](const v1::WatchLogsRequest& request) {
    Stream<v1::WatchLogsResponse> stream;
    if (request.trial() == "7.fit.1") return stream;
    stream.messages.emplace_back().add_lines()->set_text("of " + request.trial());
    return stream;
  };
  const Ran ran = Run({"get", "7", "-o", "runs", "--what", "logs", "--output", "json"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "runs/fit/task-1-resnet"));
  EXPECT_EQ(ReadFile("runs/fit/task-2-resnet/log.txt"), "of 7.fit.2\n");
  EXPECT_THAT(ran.out, HasSubstr("\"path\": \"fit/task-0-resnet/log.txt\""));
  EXPECT_THAT(Run({"get", "7", "-o", "runs", "--what", "modls"}).err,
              HasSubstr("did you mean 'models'?"));
}

TEST_F(TrialCommands, BestWithoutAnObjectiveSaysSo) {
  fake_.answers.best_trial = [](const v1::BestTrialRequest&) -> Result<v1::BestTrialResponse> {
    return NotFound("sweep 7 has no best trial: none has reported val/accuracy yet");
  };
  const Ran ran = Run({"best", "7"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ran.err,
            "error: sweep 7 has no best trial: none has reported val/accuracy yet\n"
            "  fusor results 7 shows what there is\n");
}

}  // namespace
}  // namespace fusor::client
