#pragma once

// The core's uploads and fetches, on threads of their own. Used on the loop's thread; results are
// posted to it as events.

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "worker/core/effect.h"
#include "worker/core/event.h"
#include "worker/link/artifact_client.h"
#include "worker/link/file_cache.h"
#include "worker/system/loop.h"

namespace fusor::agent {

// Where a task's files lie; asked for on the loop's thread.
struct TransferPlaces {
  std::function<std::filesystem::path(TaskKey, StagedId)> staged;
  std::function<std::filesystem::path(TaskKey)> input;
};

class Transfers {
 public:
  Transfers(Loop& loop, const Channel& channel, FileCache& cache, TransferPlaces places,
            std::function<void(Event)> emit);
  ~Transfers();  // cancels everything

  void Perform(const StartUpload& upload);
  void Perform(const CancelUpload& cancel);
  void Perform(const FetchFiles& fetch);
  // The task is over: nothing is fetched for it any more.
  void Forget(TaskKey task);

 private:
  struct Job {
    TaskKey task;
    std::optional<StagedId> staged;  // of an upload
    std::shared_ptr<Cancellation> cancellation;
    std::function<Event()> run;  // on a transfer thread
  };

  void Add(Job job);
  void Cancel(TaskKey task, std::optional<StagedId> staged);
  void Work();
  Event RunUpload(TaskKey task, StagedId staged, const std::filesystem::path& directory,
                  Cancellation& cancellation);
  Event RunFetch(const FetchFiles& fetch, const std::filesystem::path& directory,
                 Cancellation& cancellation);

  Loop& loop_;
  FileCache& cache_;
  ArtifactClient client_;
  const TransferPlaces places_;
  const std::function<void(Event)> emit_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

  // Of the loop's thread: what was asked for and has not answered yet.
  std::multimap<std::pair<TaskKey, std::optional<StagedId>>, std::shared_ptr<Cancellation>> open_;

  std::mutex mu_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;  // guarded by mu_
  bool ending_ = false;   // guarded by mu_
  std::vector<std::thread> threads_;
};

}  // namespace fusor::agent
