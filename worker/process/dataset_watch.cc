#include "worker/process/dataset_watch.h"

#include <algorithm>
#include <utility>

namespace fusor::agent {

namespace {

constexpr std::chrono::seconds kLookEvery{60};
// Looking takes at most this part of the time, however many files there are.
constexpr int kRestPerLook = 50;

}  // namespace

DatasetWatch::DatasetWatch(std::filesystem::path directory, std::filesystem::path cache,
                           std::function<void(std::vector<DatasetInfo>)> found)
    : directory_(std::move(directory)),
      cache_(std::move(cache)),
      found_(std::move(found)),
      thread_([this] { Work(); }) {}

DatasetWatch::~DatasetWatch() {
  {
    const std::lock_guard lock(mu_);
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void DatasetWatch::LookNow() {
  {
    const std::lock_guard lock(mu_);
    look_now_ = true;
  }
  wake_.notify_one();
}

void DatasetWatch::Work() {
  std::string seen;
  for (;;) {
    const auto begin = std::chrono::steady_clock::now();
    std::string signature = DatasetsSignature(directory_);
    const auto took = std::chrono::steady_clock::now() - begin;
    if (signature != seen) {
      seen = std::move(signature);
      found_(ScanDatasets(directory_, cache_));
    }
    std::unique_lock lock(mu_);
    const auto rest =
        std::max<std::chrono::steady_clock::duration>(kLookEvery, took * kRestPerLook);
    wake_.wait_for(lock, rest, [this] { return ending_ || look_now_; });
    if (ending_) return;
    look_now_ = false;
  }
}

}  // namespace fusor::agent
