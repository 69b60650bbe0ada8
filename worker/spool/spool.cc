#include "worker/spool/spool.h"

#include <algorithm>
#include <utility>

#include "worker/system/files.h"

namespace fusor::agent {

namespace {

// Left to the rest of the system, whatever the spool's own limit says.
constexpr std::uint64_t kDiskMargin = 16 << 20;

}  // namespace

Spool::Spool(SpoolOptions options, Synced synced)
    : options_(std::move(options)), synced_(std::move(synced)) {}

Result<std::unique_ptr<Spool>> Spool::Open(SpoolOptions options, Synced synced) {
  std::unique_ptr<Spool> spool(new Spool(std::move(options), std::move(synced)));
  RETURN_IF_ERROR(spool->Restore());
  return spool;
}

Status Spool::Restore() {
  RETURN_IF_ERROR(MakeDirectory(options_.directory));
  const std::filesystem::path boot = options_.directory / "boot_id";
  const std::string before = ReadLine(boot);
  tail_certain_ = before.empty() || before == options_.boot_id;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(options_.directory, error)) {
    TaskKey task;
    if (!entry.is_directory() || !ParseTaskName(entry.path().filename(), task)) continue;
    Result<TaskLog> log = TaskLog::Restore(entry.path());
    if (!log.ok()) return log.status();
    if (log->last_number() == 0 || log->bytes() == 0) {
      log->Remove();
    } else {
      logs_.emplace(task, std::move(*log));
    }
  }
  if (error) return Unavailable("read " + options_.directory.string() + ": " + error.message());
  if (before != options_.boot_id) RETURN_IF_ERROR(WriteFileAtomically(boot, options_.boot_id));
  Level(true);
  return Ok();
}

std::vector<RestoredTask> Spool::Restored() const {
  std::vector<RestoredTask> restored;
  for (const auto& [task, log] : logs_) {
    restored.push_back({.task = task,
                        .acknowledged = log.first_number() - 1,
                        .last_number = log.last_number(),
                        .has_final = log.ends_with_final(),
                        .tail_certain = tail_certain_});
  }
  return restored;
}

TaskLog& Spool::LogOf(TaskKey task) {
  const auto found = logs_.find(task);
  if (found != logs_.end()) return found->second;
  return logs_.emplace(task, TaskLog(options_.directory / TaskName(task))).first->second;
}

void Spool::Append(TaskKey task, const Fact& fact) {
  TaskLog& log = LogOf(task);
  if (!log.HasUnwritten()) unwritten_.push_back(task);
  log.Append(fact, scratch_);
}

Status Spool::Flush() {
  Status status;
  std::vector<TaskKey> failed;
  for (const TaskKey task : std::exchange(unwritten_, {})) {
    const auto found = logs_.find(task);
    if (found == logs_.end()) continue;
    const Status written = found->second.Write();
    if (written.ok()) continue;
    failed.push_back(task);
    if (status.ok()) status = written;
  }
  unwritten_ = std::move(failed);
  disk_refuses_ = !status.ok();
  for (const TaskKey task : std::exchange(sync_later_, {})) Sync(task);
  return status;
}

void Spool::Sync(TaskKey task) {
  const auto found = logs_.find(task);
  if (found == logs_.end()) return;
  TaskLog& log = found->second;
  if (log.HasUnwritten()) {
    sync_later_.push_back(task);
    return;
  }
  const std::uint64_t number = log.last_written();
  syncer_.Sync(log.TakeUnsynced(), [this, task, number](const Status& status) {
    if (status.ok()) synced_(task, number);
  });
}

void Spool::Trim(TaskKey task, std::uint64_t number) {
  const auto found = logs_.find(task);
  if (found != logs_.end()) found->second.Trim(number);
}

void Spool::Drop(TaskKey task) {
  const auto found = logs_.find(task);
  if (found == logs_.end()) return;
  found->second.Remove();
  logs_.erase(found);
}

SpoolRead Spool::Read(TaskKey task, std::uint64_t first_number, std::uint64_t bytes_max) {
  SpoolRead answer{.task = task};
  const auto found = logs_.find(task);
  Result<std::vector<Fact>> facts =
      found == logs_.end() ? Result<std::vector<Fact>>(DataLoss("no such task in the spool"))
                           : found->second.Read(first_number, bytes_max, scratch_);
  answer.damaged = !facts.ok();
  if (facts.ok()) answer.facts = std::move(*facts);
  return answer;
}

std::uint64_t Spool::bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [task, log] : logs_) bytes += log.bytes();
  return bytes;
}

SpoolLevel Spool::Level(bool fresh) {
  const std::uint64_t used = bytes();
  if (fresh) free_bytes_ = FreeBytes(options_.directory);
  const std::uint64_t disk = used + (free_bytes_ > kDiskMargin ? free_bytes_ - kDiskMargin : 0);
  const std::uint64_t limit = std::min(options_.bytes_max, disk);
  const std::uint64_t usable = limit > options_.reserve_bytes ? limit - options_.reserve_bytes : 0;
  const auto level_at = [&](std::uint64_t bytes) {
    if (bytes >= limit) return SpoolLevel::kFull;
    if (bytes >= usable) return SpoolLevel::kReserve;
    if (bytes >= usable / 4 * 3) return SpoolLevel::kThin100;
    return bytes >= usable / 2 ? SpoolLevel::kThin10 : SpoolLevel::kOk;
  };
  SpoolLevel level = disk_refuses_ ? SpoolLevel::kFull : level_at(used);
  // Downwards only when there is some room to spare, so that it does not flutter.
  if (level < level_ && !disk_refuses_) level = std::min(level_, level_at(used + used / 20));
  level_ = level;
  return level;
}

}  // namespace fusor::agent
