#pragma once

// Scans the data sets on a thread of its own, at the start and whenever their files have changed
// since.

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "worker/process/datasets.h"

namespace fusor::agent {

class DatasetWatch {
 public:
  // `found` is called on the watch's thread, the first time in any case.
  DatasetWatch(std::filesystem::path directory, std::filesystem::path cache,
               std::function<void(std::vector<DatasetInfo>)> found);
  ~DatasetWatch();

  // Something has changed: look now. Any thread.
  void LookNow();

 private:
  void Work();

  const std::filesystem::path directory_;
  const std::filesystem::path cache_;
  const std::function<void(std::vector<DatasetInfo>)> found_;
  std::mutex mu_;
  std::condition_variable wake_;
  bool ending_ = false;    // guarded by mu_
  bool look_now_ = false;  // guarded by mu_
  std::thread thread_;
};

}  // namespace fusor::agent
