#include "tests/bench/store_bench.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/store/artifact_store.h"
#include "coordinator/store/hash.h"
#include "coordinator/store/metrics_store.h"
#include "coordinator/store/state_store.h"
#include "tests/bench/bare_sqlite.h"

namespace fusor::bench {

namespace {

constexpr std::uint64_t kTrials = 100'096;
constexpr std::uint64_t kPerTurn = 256;

double Now() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(since).count();
}

void Require(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "store benchmark: %s\n", status.ToString().c_str());
  std::exit(1);
}

template <class T>
T Require(Result<T> result) {
  Require(result.status());
  return std::move(result).value();
}

class Directory {
 public:
  Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "fusor-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) Require(Internal("no temporary directory"));
    path_ = name;
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

const Time kTime = FromUnixMillis(1'700'000'000'000);

// What the core writes in the life of one trial, as rows that are filled in anew for each cell.
class TrialLife {
 public:
  TrialLife() {
    trial_.key.sweep = {1};
    trial_.name = "task-12345-densenet-multiplicative-bf16-128";
    trial_.config_hash = std::string(64, 'a');
    trial_.params =
        R"({"augment":true,"batch_size":128,"data":"cifar100","depth":18,"epochs":200,"expert":3,)"
        R"("lr":0.1,"model":"densenet","momentum":0.9,"precision":"bf16","seed":2})";
    trial_.attempts = 1;
    trial_.threads = 2;
    trial_.first_granted = kTime;
    attempt_.number = 1;
    attempt_.worker = {3};
    attempt_.slots = {{WorkerId{3}, 1}};
    attempt_.granted_because = "priority 50, 0 of 16 slots in use";
    attempt_.granted = kTime;
    event_.kind = "trial_moved";
    event_.has_trial = true;
    event_.time = kTime;
    event_.worker = {3};
    evaluation_.name = "val/accuracy";
    evaluation_.time = kTime;
  }

  // Ready, then running on a slot.
  void Grant(std::uint64_t cell, std::vector<Write>& writes) {
    Aim(cell);
    trial_.state = TrialState::kRunning;
    trial_.reason = "granted slot 1 on n3";
    attempt_.state = AttemptState::kGranted;
    attempt_.started = kNever;
    attempt_.ended = kNever;
    attempt_.info.clear();
    writes.emplace_back(trial_);
    writes.emplace_back(attempt_);
    AddEvent("ready -> running", writes);
  }

  // Started, one evaluation, ended: in one turn, as instant trials do.
  void End(std::uint64_t cell, std::vector<Write>& writes) {
    Aim(cell);
    attempt_.state = AttemptState::kRunning;
    attempt_.started = kTime;
    attempt_.info = R"({"cpu":"Xeon","host":"n3","libtorch":"2.11.0","program":"0.1.0"})";
    writes.emplace_back(attempt_);
    evaluation_.step = 1'000;
    evaluation_.value = 0.73;
    writes.emplace_back(evaluation_);
    trial_.has_objective = true;
    trial_.objective = 0.73;
    writes.emplace_back(trial_);
    attempt_.state = AttemptState::kEnded;
    attempt_.ended = kTime;
    writes.emplace_back(attempt_);
    trial_.state = TrialState::kSucceeded;
    trial_.reason = "";
    trial_.ended = kTime;
    writes.emplace_back(trial_);
    AddEvent("running -> succeeded", writes);
    writes.emplace_back(PutCursor{attempt_.id, 0, 4});
    trial_.has_objective = false;
    trial_.ended = kNever;
  }

 private:
  void Aim(std::uint64_t cell) {
    trial_.key.cell = cell;
    attempt_.id = {cell + 1};
    attempt_.trial = trial_.key;
    event_.trial = trial_.key;
    event_.attempt = attempt_.id;
    evaluation_.trial = trial_.key;
    evaluation_.attempt = attempt_.id;
  }

  void AddEvent(const char* detail, std::vector<Write>& writes) {
    event_.id.value += 1;
    event_.detail = detail;
    writes.emplace_back(event_);
  }

  PutTrial trial_;
  PutAttempt attempt_;
  PutEvent event_;
  PutEvaluation evaluation_;
};

// One sweep of which `done` trials have ended and `live` are running.
void Fill(StateStore& store, std::uint64_t done, std::uint64_t live) {
  PutSweep sweep;
  sweep.id = {1};
  sweep.name = "bench";
  sweep.submitted = kTime;
  Require(store.Commit(std::vector<Write>{sweep}));
  TrialLife life;
  std::vector<Write> writes;
  for (std::uint64_t cell = 0; cell < done + live; ++cell) {
    life.Grant(cell, writes);
    if (cell < done) life.End(cell, writes);
    if (writes.size() > 4'000 || cell + 1 == done + live) {
      Require(store.Commit(writes));
      writes.clear();
    }
  }
}

std::vector<FactsForMetrics> PackedFacts(std::uint64_t first_number, std::uint64_t attempts,
                                         std::size_t steps_per_fact) {
  std::vector<FactsForMetrics> batches;
  for (std::uint64_t attempt = 1; attempt <= attempts; ++attempt) {
    FactsForMetrics batch;
    batch.attempt = {attempt};
    batch.trial = {SweepId{1}, 0, attempt};
    MetricsFact metrics;
    metrics.time_ms = 1'700'000'000'000;
    metrics.names = {"train/loss", "train/accuracy", "lr", "grad_norm", "images_per_second"};
    for (std::size_t i = 0; i < steps_per_fact; ++i) {
      metrics.steps.push_back(static_cast<std::int64_t>((first_number - 1) * steps_per_fact + i));
    }
    metrics.values.assign(metrics.names.size(), std::vector<double>(steps_per_fact, 0.25));
    batch.facts.push_back({first_number, std::move(metrics)});
    batches.push_back(std::move(batch));
  }
  return batches;
}

double MetricsPointsPerSecond(std::uint64_t attempts, std::size_t steps_per_fact,
                              std::uint64_t points) {
  const Directory directory;
  auto store = Require(MetricsStore::Open({.directory = directory.path()}));
  double spent = 0;
  std::uint64_t done = 0;
  for (std::uint64_t number = 1; done < points; ++number) {
    const auto batches = PackedFacts(number, attempts, steps_per_fact);
    const double begin = Now();
    Require(store->Commit(batches));
    spent += Now() - begin;
    done += attempts * steps_per_fact * 5;
  }
  return static_cast<double>(done) / spent;
}

}  // namespace

void MeasureStateCommits(Report& report) {
  const Directory directory;
  auto store = Require(StateStore::Open({.directory = directory.path()}));
  TrialLife life;
  std::vector<Write> writes;
  std::vector<double> seconds;
  for (std::uint64_t first = 0; first < kTrials; first += kPerTurn) {
    for (const bool is_end : {false, true}) {
      writes.clear();
      for (std::uint64_t cell = first; cell < first + kPerTurn; ++cell) {
        if (is_end) {
          life.End(cell, writes);
        } else {
          life.Grant(cell, writes);
        }
      }
      const double begin = Now();
      Require(store->Commit(writes));
      seconds.push_back(Now() - begin);
    }
  }
  double spent = 0;
  for (const double second : seconds) spent += second;
  std::sort(seconds.begin(), seconds.end());
  const double bare = BareSqliteTrialsPerSecond(directory.path() / "bare.db");
  report.Add({.name = "state.db: trials a second, 256 a transaction",
              .value = static_cast<double>(kTrials) / spent,
              .unit = "trials/s",
              .peer = "bare SQLite, the fewest rows a trial needs",
              .peer_value = bare,
              .target = 60'000});
  report.Add({.name = "state.db: commit of 256 trials, p99",
              .value = seconds[seconds.size() * 99 / 100] * 1e3,
              .unit = "ms",
              .target = 50,
              .smaller_is_better = true});
}

void MeasureStateLoad(Report& report) {
  const Directory directory;
  {
    auto store = Require(StateStore::Open({.directory = directory.path()}));
    Fill(*store, 100'000, 10'000);
  }
  // The store went away without a clean stop: Open checks the whole file.
  const double begin = Now();
  auto store = Require(StateStore::Open({.directory = directory.path()}));
  const double opened = Now();
  const Snapshot snapshot =
      Require(store->Load([](const PutSweep& /*row*/) -> Result<std::shared_ptr<const SweepSpec>> {
        return std::make_shared<const SweepSpec>();
      }));
  const double loaded = Now();
  if (snapshot.live_trials.size() != 10'000) Require(Internal("not every trial was loaded"));
  report.Add({.name = "state.db: open after a kill, with quick_check, 110,000 trials",
              .value = (opened - begin) * 1e3,
              .unit = "ms",
              .target = 1'000,
              .smaller_is_better = true});
  report.Add({.name = "state.db: load 100,000 finished and 10,000 live trials",
              .value = (loaded - opened) * 1e3,
              .unit = "ms",
              .target = 500,
              .smaller_is_better = true});
}

void MeasureMetricsCommits(Report& report) {
  constexpr std::uint64_t kPoints = 2'000'000;
  const Directory directory;
  const double bare = BareSqlitePointsPerSecond(directory.path() / "bare.db", kPoints);
  const std::string peer = "bare bulk insert into the same schema";
  report.Add({.name = "metrics.db: points a second, packed by 100 steps",
              .value = MetricsPointsPerSecond(100, 100, kPoints),
              .unit = "points/s",
              .peer = peer,
              .peer_value = bare,
              .target = 1'000'000,
              .target_ratio = 0.6});
  report.Add({.name = "metrics.db: points a second, 800 attempts, one step a fact",
              .value = MetricsPointsPerSecond(800, 1, kPoints / 8),
              .unit = "points/s",
              .peer = peer,
              .peer_value = bare});
}

void MeasureUploads(Report& report) {
  constexpr std::size_t kChunks = 256;
  const Directory directory;
  auto store = Require(ArtifactStore::Open(directory.path()));
  const std::string chunk(1 << 20, 'x');
  Sha256 hash;
  const double hash_begin = Now();
  for (std::size_t i = 0; i < kChunks; ++i) hash.Add(chunk);
  const std::string sha256 = hash.Hex();
  const double hash_seconds = Now() - hash_begin;
  const double begin = Now();
  const auto upload = Require(store->Begin(sha256, kChunks * chunk.size()));
  for (std::size_t i = 0; i < kChunks; ++i) Require(upload->Append(i * chunk.size(), chunk));
  Require(upload->Finish());
  const double seconds = Now() - begin;
  const double mebibytes = static_cast<double>(kChunks);
  report.Add({.name = "artifacts: upload, verified and synced",
              .value = mebibytes / seconds,
              .unit = "MiB/s",
              .peer = "SHA-256 alone",
              .peer_value = mebibytes / hash_seconds});
}

void RunStore(Report& report) {
  MeasureStateCommits(report);
  MeasureStateLoad(report);
  MeasureMetricsCommits(report);
  MeasureUploads(report);
}

}  // namespace fusor::bench
