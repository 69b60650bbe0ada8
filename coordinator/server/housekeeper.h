#pragma once

// A thread for what has time: removes files whose rows are gone, tells who watches the health, and
// warns of a write-ahead log that a reader keeps from starting over.

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "coordinator/server/readers.h"
#include "coordinator/server/stats.h"
#include "coordinator/store/artifact_store.h"

namespace fusor {

class Housekeeper {
 public:
  struct Parts {
    ArtifactStore* artifacts = nullptr;
    Readers* readers = nullptr;
    Stats* stats = nullptr;
    std::function<void(std::vector<std::string>)> forget;  // contents that are dealt with
    std::function<void()> health_changed;
    std::filesystem::path data;  // the directory of the databases
  };
  struct Options {
    std::chrono::milliseconds tick{1'000};
    std::chrono::milliseconds collect_every{60'000};
    std::chrono::hours orphans_every{24};
  };

  Housekeeper(Options options, Parts parts) : options_(options), parts_(std::move(parts)) {}
  ~Housekeeper();

  void Start();
  void Stop();
  // A row that names a file has gone. Any thread.
  void CollectSoon();
  // The health may have changed. Any thread.
  void LookAtHealth();

 private:
  void Run();
  void Collect();
  void RemoveOrphans();
  void WatchWal();

  const Options options_;
  const Parts parts_;
  std::thread thread_;
  bool alarmed_ = false;  // the thread's

  std::mutex mu_;
  std::condition_variable changed_;
  bool collect_ = false;  // guarded by mu_, as below
  bool health_ = false;
  bool stopping_ = false;
};

}  // namespace fusor
