#pragma once

// fdatasync on a thread of its own, in the order asked for, so that the loop never waits for a
// disk.

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "common/base/status.h"
#include "worker/system/unique_fd.h"

namespace fusor::agent {

class Syncer {
 public:
  // Called on the syncer's thread. A sync that fails is tried again until the syncer ends.
  using Done = std::function<void(const Status&)>;

  Syncer();
  ~Syncer();  // what was asked for is finished first

  void Sync(std::vector<std::shared_ptr<const UniqueFd>> files, Done done);

 private:
  struct Job {
    std::vector<std::shared_ptr<const UniqueFd>> files;
    Done done;
  };

  void Work();
  Status SyncAll(const Job& job);

  std::mutex mu_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;  // guarded by mu_
  bool ending_ = false;   // guarded by mu_
  std::thread thread_;
};

}  // namespace fusor::agent
