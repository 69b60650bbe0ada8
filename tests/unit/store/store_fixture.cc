#include "tests/unit/store/store_fixture.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <utility>

namespace fusor {

TempDirectory::TempDirectory() {
  std::string name = (std::filesystem::temp_directory_path() / "fusor-store-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "no temporary directory";
  path_ = name;
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

PutSweep SampleSweep(std::uint64_t id) {
  PutSweep sweep;
  sweep.id = {id};
  sweep.name = "sweep-" + std::to_string(id);
  sweep.source = "name: x\nstages: {}\n";
  sweep.overrides = {"stages.a.params.epochs=10", "with \"quotes\"\nand a line"};
  sweep.extra_seeds = {3, -4};
  sweep.state = SweepState::kPaused;
  sweep.priority = 70;
  sweep.max_running = 16;
  sweep.releasing = true;
  sweep.fingerprints = {{"cifar10", "ab12"}};
  sweep.submitted = At(1);
  sweep.ended = kNever;
  return sweep;
}

PutTrial SampleTrial(const TrialKey& key, TrialState state) {
  PutTrial trial;
  trial.key = key;
  trial.state = state;
  trial.attempts = 2;
  trial.crashes = 1;
  trial.losses = 3;
  trial.other_failures = {{Failure::kDiverged, 1}, {Failure::kOutOfMemoryDevice, 2}};
  trial.failure = state == TrialState::kFailed ? Failure::kHung : Failure::kNone;
  trial.reason = "because";
  trial.name = "task-" + std::to_string(key.cell) + "-resnet";
  trial.config_hash = std::string(64, 'a');
  trial.params = R"({"model":"resnet","seed":1})";
  trial.threads = 2;
  trial.step = 100;
  trial.running_ms = 5'000;
  trial.limited_ms = 4'000;
  trial.has_objective = true;
  trial.objective = 0.5;
  trial.objective_step = 90;
  trial.precision_used = "bf16";
  trial.first_granted = At(2);
  if (IsTerminal(state)) trial.ended = At(3);
  return trial;
}

PutAttempt SampleAttempt(std::uint64_t id, const TrialKey& trial, std::uint32_t number,
                         AttemptState state) {
  PutAttempt attempt;
  attempt.id = {id};
  attempt.trial = trial;
  attempt.number = number;
  attempt.state = state;
  attempt.worker = {3};
  attempt.slots = {{WorkerId{3}, 0}, {WorkerId{4}, 7}};
  if (state == AttemptState::kEnded) attempt.outcome = OutcomeKind::kFailed;
  attempt.failure = state == AttemptState::kEnded ? Failure::kCrashedSignal : Failure::kNone;
  attempt.code = 11;
  attempt.detail = "signal 11";
  attempt.resumed_from_step = 40;
  attempt.bit_exact = false;
  attempt.precision_used = "fp16";
  attempt.info = R"({"host":"n3"})";
  attempt.log_tail = "line 1\nline 2";
  attempt.granted_because = "first in line";
  attempt.granted = At(2);
  attempt.started = At(3);
  if (state == AttemptState::kEnded || state == AttemptState::kLost) attempt.ended = At(9);
  return attempt;
}

PutArtifact SampleArtifact(std::uint64_t id, const TrialKey& trial, const std::string& kind,
                           const std::string& sha256) {
  PutArtifact artifact;
  artifact.id = {id};
  artifact.attempt = {id + 100};
  artifact.trial = trial;
  artifact.kind = kind;
  artifact.step = 50;
  artifact.file = {kind + "/file", sha256, 7};
  artifact.time = At(5);
  return artifact;
}

PutEvent SampleEvent(std::uint64_t id, const TrialKey& trial) {
  PutEvent event;
  event.id = {id};
  event.time = At(static_cast<std::int64_t>(id));
  event.kind = "trial_moved";
  event.sweep = trial.sweep;
  event.trial = trial;
  event.has_trial = true;
  event.attempt = {8};
  event.worker = {3};
  event.detail = "running -> failed";
  event.reason = "hung";
  return event;
}

PutEvaluation SampleEvaluation(std::uint64_t attempt, const TrialKey& trial, std::int64_t step,
                               const std::string& name, double value) {
  PutEvaluation evaluation;
  evaluation.attempt = {attempt};
  evaluation.trial = trial;
  evaluation.step = step;
  evaluation.epoch = step / 10;
  evaluation.name = name;
  evaluation.value = value;
  evaluation.time = At(step);
  return evaluation;
}

PutWorker SampleWorker(std::uint64_t id) {
  PutWorker worker;
  worker.id = {id};
  worker.info.uid = "uid-" + std::to_string(id);
  worker.info.incarnation = 12;
  worker.info.name = "n" + std::to_string(id);
  worker.info.version = "0.1.0";
  worker.info.slots = {{0, true, "GPU-1", "NVIDIA H200", "H200", 141, 8, 64, 100},
                       {1, false, "", "", "", 0, 2, 4, 5}};
  worker.info.precisions = {"fp32", "bf16"};
  worker.info.datasets = {{"cifar10", "ab12"}, {"cifar100", "cd34"}};
  worker.info.labels = {{"partition", "a100"}};
  worker.info.notes = {"GPU 3: too old"};
  worker.state = "draining";
  worker.reason = "maintenance";
  worker.draining = true;
  worker.drain_deadline = At(1'000);
  worker.slot_notes = {"", "stuck: pid 7"};
  worker.seen = At(6);
  return worker;
}

Result<std::shared_ptr<const SweepSpec>> ParseSample(const PutSweep& row) {
  if (row.source == "unreadable") return InvalidArgument("line 1: unreadable");
  auto spec = std::make_shared<SweepSpec>();
  spec->name = row.name;
  spec->stages.resize(2);
  spec->stages[1].needs.push_back({});
  return std::shared_ptr<const SweepSpec>(std::move(spec));
}

std::unique_ptr<StateStore> OpenState(const TempDirectory& directory) {
  Result<std::unique_ptr<StateStore>> store = StateStore::Open({.directory = directory.path()});
  EXPECT_TRUE(store.ok()) << store.status().ToString();
  return std::move(store).value();
}

std::unique_ptr<MetricsStore> OpenMetrics(const TempDirectory& directory) {
  Result<std::unique_ptr<MetricsStore>> store = MetricsStore::Open({.directory = directory.path()});
  EXPECT_TRUE(store.ok()) << store.status().ToString();
  return std::move(store).value();
}

sql::Database OpenBeside(const TempDirectory& directory, const std::string& name) {
  Result<sql::Database> database =
      sql::Database::Open(directory.path() / name, sql::Access::kWrite);
  EXPECT_TRUE(database.ok()) << database.status().ToString();
  return std::move(database).value();
}

}  // namespace fusor
