#include "worker/process/dataset_fetcher.h"

#include <chrono>
#include <utility>
#include <vector>

#include "common/dataset/own_datasets.h"
#include "common/fetch/fetch.h"

namespace fusor::agent {

namespace {

constexpr std::chrono::seconds kTellEvery{1};

std::string PhaseText(const std::string& name, const FetchProgress& progress) {
  if (progress.phase == FetchPhase::kWaiting) return "wait for " + name;
  const std::string verb = progress.phase == FetchPhase::kDownloading ? "fetch "
                           : progress.phase == FetchPhase::kChecking  ? "check "
                                                                      : "unpack ";
  const std::uint64_t percent = progress.total == 0 ? 0 : progress.done * 100 / progress.total;
  return verb + name + " " + std::to_string(percent) + "%";
}

}  // namespace

DatasetFetcher::DatasetFetcher(DatasetFetcherParts parts)
    : parts_(std::move(parts)), thread_([this] { Work(); }) {}

DatasetFetcher::~DatasetFetcher() {
  *alive_ = false;
  {
    const std::lock_guard lock(mu_);
    ending_ = true;
    jobs_.clear();
    if (running_) running_->stop.request_stop();
  }
  wake_.notify_one();
  thread_.join();
}

void DatasetFetcher::Perform(const FetchDataset& fetch) {
  {
    const std::lock_guard lock(mu_);
    jobs_.push_back({.fetch = fetch, .stop = {}});
  }
  wake_.notify_one();
}

void DatasetFetcher::Forget(TaskKey task) {
  const std::lock_guard lock(mu_);
  std::erase_if(jobs_, [&](const Job& job) { return job.fetch.task == task; });
  if (running_ && running_->fetch.task == task) running_->stop.request_stop();
}

void DatasetFetcher::Post(Event event) {
  parts_.loop.Post([this, alive = alive_, event = std::move(event)]() mutable {
    if (!*alive) return;
    if (std::holds_alternative<DatasetHere>(event)) parts_.fetched();
    parts_.emit(std::move(event));
  });
}

void DatasetFetcher::Work() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mu_);
      wake_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
      if (ending_) return;
      job = jobs_.front();
      running_ = job;
      jobs_.pop_front();
    }
    Post(Run(job));
    const std::lock_guard lock(mu_);
    running_.reset();
  }
}

Event DatasetFetcher::Run(const Job& job) {
  const TaskKey task = job.fetch.task;
  const Result<std::vector<KnownDataset>> known = ReadCatalogue(parts_.datasets);
  if (!known.ok()) return DatasetFailed{task, known.status()};
  const KnownDataset* dataset = fusor::FindDataset(*known, job.fetch.name);
  if (dataset == nullptr) return DatasetFailed{task, NotFound("it is in the catalogue no more")};
  auto told = std::chrono::steady_clock::now() - kTellEvery;
  FetchOptions options;
  options.datasets = parts_.datasets;
  options.from = parts_.from;
  options.stop = job.stop.get_token();
  options.progress = [&](const FetchProgress& progress) {
    const auto now = std::chrono::steady_clock::now();
    if (now - told < kTellEvery) return;
    told = now;
    Post(DatasetProgress{task, PhaseText(job.fetch.name, progress)});
  };
  const Result<Fetched> fetched = fusor::FetchDataset(*dataset, options);
  if (!fetched.ok()) return DatasetFailed{task, fetched.status()};
  return DatasetHere{task};
}

}  // namespace fusor::agent
