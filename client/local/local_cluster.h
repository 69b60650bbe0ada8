#pragma once

// A coordinator and a worker on this machine, for as long as this object lives. A coordinator that
// runs in the folder already is used and left alone.

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "client/link/endpoint.h"
#include "client/local/child_process.h"
#include "client/terminal/environment.h"
#include "common/base/status.h"

namespace fusor::client {

struct LocalOptions {
  std::filesystem::path data;      // the coordinator's folder
  std::string slots = "auto";      // the worker's
  std::string device;              // cpu, gpu; empty = what there is
  std::filesystem::path datasets;  // empty = none
};

class LocalCluster {
 public:
  LocalCluster(const Environment& environment, LocalOptions options);
  // Kills what Stop has not stopped.
  ~LocalCluster();
  LocalCluster(const LocalCluster&) = delete;
  LocalCluster& operator=(const LocalCluster&) = delete;

  // Starts what does not run yet and gives the way to it. `interrupted` is asked while it waits.
  // Call it on the thread that will call Stop: the programs end with it.
  Result<Target> Start(const std::function<bool()>& interrupted);
  // The coordinator was running already.
  bool is_joined() const { return !coordinator_; }
  // For one that was running without workers.
  Status StartWorker(const Target& target);
  // Is any other run in this folder?
  bool IsAlone() const;
  bool has_worker() const { return worker_.has_value(); }

  // Calls `failed` on another thread if a program ends that should run. Once, after Start.
  void OnFailure(std::function<void()> failed);
  // What ended and its last lines; empty if all is well.
  std::string FailureText();

  // Does another run use what this one started?
  bool OthersUseIt() const;

  // OnFailure's function is not called any more.
  void StopWatching();

  // The worker first (its trials write checkpoints and are handed back), then the coordinator. When
  // `kill_now` becomes true, at once.
  void Stop(const std::atomic<bool>& kill_now);

  std::filesystem::path logs() const { return options_.data / "local"; }

 private:
  std::optional<Target> Join() const;
  Status TakeLock();
  Result<Target> JoinOrStart(const std::function<bool()>& interrupted);
  Result<Target> StartCoordinator(const std::function<bool()>& interrupted);
  void Watch();

  const Environment& environment_;
  const LocalOptions options_;
  int lock_ = -1;  // of the folder, shared among the runs that use its coordinator
  std::optional<ChildProcess> coordinator_;
  std::optional<ChildProcess> worker_;
  // Where this run's lines begin in the logs, which go on from run to run.
  std::uintmax_t coordinator_log_from_ = 0;
  std::uintmax_t worker_log_from_ = 0;
  std::function<void()> failed_;
  int wake_ = -1;  // an eventfd: ends the watcher
  std::thread watcher_;
};

// The last lines of a log file from byte `from` on, indented.
std::string LogTail(const std::filesystem::path& file, std::size_t lines, std::uintmax_t from = 0);

}  // namespace fusor::client
