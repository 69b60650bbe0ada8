#pragma once

// One task's facts on disk: append-only files of about kSegmentBytes, named by the number of their
// first fact. Owned by the loop's thread; a sync may run elsewhere on a descriptor handed out by
// File().

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/base/session.h"
#include "common/base/status.h"
#include "worker/core/task_key.h"
#include "worker/spool/record.h"
#include "worker/system/unique_fd.h"

namespace fusor::agent {

inline constexpr std::uint64_t kSegmentBytes = 4 << 20;

class TaskLog {
 public:
  // A new one; nothing touches the disk before the first Write.
  explicit TaskLog(std::filesystem::path directory);

  // What an earlier run left: a torn record at the end is cut off.
  static Result<TaskLog> Restore(std::filesystem::path directory);

  // Keeps the fact for the next Write. Numbers follow one another.
  void Append(const Fact& fact, v1::Fact& scratch);
  // Writes what was appended. On failure everything stays as it was, to be tried again.
  Status Write();
  bool HasUnwritten() const { return !unwritten_.empty(); }

  // Facts from the number on, about `bytes_max` of them. DATA_LOSS when they cannot be read.
  Result<std::vector<Fact>> Read(std::uint64_t first_number, std::uint64_t bytes_max,
                                 v1::Fact& scratch);

  // Forgets whole files of which every fact is acknowledged.
  void Trim(std::uint64_t number);
  void Remove();

  // Of the files that were written since the last call: each must be synced.
  std::vector<std::shared_ptr<const UniqueFd>> TakeUnsynced();

  std::uint64_t first_number() const { return segments_.empty() ? 1 : segments_.front().first; }
  std::uint64_t last_number() const { return last_; }  // appended
  std::uint64_t last_written() const { return last_written_; }
  std::uint64_t bytes() const;
  bool ends_with_final() const { return ends_with_final_; }
  const std::filesystem::path& directory() const { return directory_; }

 private:
  struct Segment {
    std::uint64_t first = 1;
    std::uint64_t bytes = 0;
  };
  // Where the last Read ended, so that the next need not search.
  struct Cursor {
    std::uint64_t number = 0;
    std::uint64_t segment_first = 0;
    std::uint64_t offset = 0;
  };

  std::filesystem::path PathOf(const Segment& segment) const;
  Status OpenForWriting();
  Status StartSegment();
  // Counts the records of a segment; cuts off what follows the last whole one.
  Status ScanLast();

  std::filesystem::path directory_;
  std::vector<Segment> segments_;
  std::uint64_t last_ = 0;
  std::uint64_t last_written_ = 0;
  bool ends_with_final_ = false;

  std::string unwritten_;
  std::shared_ptr<const UniqueFd> file_;  // of the last segment; shared with syncs under way
  std::vector<std::shared_ptr<const UniqueFd>> unsynced_;
  bool segment_is_new_ = false;  // its name is not synced yet
  bool directory_is_new_ = false;
  Cursor cursor_;
};

// "812.0"
std::string TaskName(TaskKey task);
bool ParseTaskName(const std::string& name, TaskKey& task);

}  // namespace fusor::agent
