#pragma once

// A control group (version 2) for each task, where this user may make them: memory is limited and
// counted by the kernel, and the whole of a task can be killed at once.

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "common/base/status.h"

namespace fusor::agent {

class TaskCgroup {
 public:
  explicit TaskCgroup(std::filesystem::path path) : path_(std::move(path)) {}
  ~TaskCgroup();  // removes it; it must be empty
  TaskCgroup(const TaskCgroup&) = delete;
  TaskCgroup& operator=(const TaskCgroup&) = delete;

  Status Limit(std::uint64_t memory_bytes);
  Status Add(pid_t pid);
  void KillAll();
  bool Empty() const;
  bool WasOutOfMemory() const;
  std::optional<std::uint64_t> MemoryBytes() const;

 private:
  const std::filesystem::path path_;
};

class CgroupTree {
 public:
  // Takes the agent's own group, moves the agent into a leaf of it and hands out memory to the
  // others. Must come before the agent has children: they would stay in the group, and the kernel
  // hands nothing out as long as it has processes of its own. Kills what an earlier agent's tasks
  // left. An error, which says why, where that is not permitted; then nothing has changed.
  static Result<std::unique_ptr<CgroupTree>> Take(const std::filesystem::path& root);

  Result<std::unique_ptr<TaskCgroup>> Make(const std::string& task);

 private:
  explicit CgroupTree(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path path_;
};

}  // namespace fusor::agent
