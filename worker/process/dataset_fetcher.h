#pragma once

// Brings data sets that trials wait for, one after the other on a thread of its own. Used on the
// loop's thread; what comes of it is posted there.

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "worker/core/effect.h"
#include "worker/core/event.h"
#include "worker/system/loop.h"

namespace fusor::agent {

struct DatasetFetcherParts {
  Loop& loop;
  std::filesystem::path datasets;
  std::string from;  // a mirror; empty: the data sets' own addresses
  std::function<void(Event)> emit;
  std::function<void()> fetched;  // there is a new data set
};

class DatasetFetcher {
 public:
  explicit DatasetFetcher(DatasetFetcherParts parts);
  ~DatasetFetcher();  // what is under way goes on from there at the next start

  void Perform(const FetchDataset& fetch);
  // The task is over: nothing is fetched for it any more.
  void Forget(TaskKey task);

 private:
  struct Job {
    FetchDataset fetch;
    std::stop_source stop;
  };

  void Work();
  Event Run(const Job& job);
  void Post(Event event);

  const DatasetFetcherParts parts_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with what is posted
  std::mutex mu_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;        // guarded by mu_
  std::optional<Job> running_;  // guarded by mu_
  bool ending_ = false;         // guarded by mu_
  std::thread thread_;
};

}  // namespace fusor::agent
