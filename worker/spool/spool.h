#pragma once

// Every fact that the coordinator has not acknowledged, on disk: one folder per task. Owned by the
// loop's thread; syncs run on a thread of their own.
//
// A turn: Append for each fact, then Flush once, before anything is sent. What the disk refuses
// stays in memory, in order, and Flush says so; then no fact of the turn may be sent.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/limits.h"
#include "common/base/status.h"
#include "worker/core/agent.h"
#include "worker/core/event.h"
#include "worker/spool/syncer.h"
#include "worker/spool/task_log.h"

namespace fusor::agent {

struct SpoolOptions {
  std::filesystem::path directory;
  std::string boot_id;  // of this run of the machine
  std::uint64_t bytes_max = limits::kSpoolBytesMax;
  std::uint64_t reserve_bytes = limits::kSpoolReserveBytes;
};

class Spool {
 public:
  // Called on the syncer's thread: everything of the task up to the number is on disk.
  using Synced = std::function<void(TaskKey, std::uint64_t)>;

  // Reads what an earlier run left.
  static Result<std::unique_ptr<Spool>> Open(SpoolOptions options, Synced synced);

  // What Open found, for the core.
  std::vector<RestoredTask> Restored() const;

  void Append(TaskKey task, const Fact& fact);
  Status Flush();
  bool HasUnwritten() const { return !unwritten_.empty(); }

  // Once everything appended until now is written, it is synced, and then Synced is called.
  void Sync(TaskKey task);
  void Trim(TaskKey task, std::uint64_t number);
  void Drop(TaskKey task);
  SpoolRead Read(TaskKey task, std::uint64_t first_number, std::uint64_t bytes_max);

  // How full it is, by its own limit and by what the file system has left. Looks at the file system
  // only when `fresh`.
  SpoolLevel Level(bool fresh);

  std::uint64_t bytes() const;

 private:
  Spool(SpoolOptions options, Synced synced);
  Status Restore();
  TaskLog& LogOf(TaskKey task);

  const SpoolOptions options_;
  const Synced synced_;
  bool tail_certain_ = true;
  std::map<TaskKey, TaskLog> logs_;
  std::vector<TaskKey> unwritten_;   // tasks with facts that Flush has to write
  std::vector<TaskKey> sync_later_;  // asked for while facts were unwritten
  v1::Fact scratch_;
  std::uint64_t free_bytes_ = 0;
  SpoolLevel level_ = SpoolLevel::kOk;
  bool disk_refuses_ = false;
  Syncer syncer_;
};

}  // namespace fusor::agent
