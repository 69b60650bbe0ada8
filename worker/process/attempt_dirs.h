#pragma once

// Where attempts live on this machine:
//
//   ROOT/812.0/            the process's own directory; job.json in it
//   ROOT/812.0.staged/3/   hard links to files it reported, as they were then
//   ROOT/812.0.input/      files that were fetched for it
//   ROOT/812.0.process     number and start time of its process, and this folder's identity, for a
//                          restarted agent

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "worker/core/task_key.h"

namespace fusor::agent {

class AttemptDirs {
 public:
  explicit AttemptDirs(std::filesystem::path root) : root_(std::move(root)) {}

  std::filesystem::path Work(TaskKey task) const;
  std::filesystem::path Input(TaskKey task) const;
  std::filesystem::path Staged(TaskKey task, StagedId staged) const;

  // Returns the path of the job's file.
  Result<std::filesystem::path> Create(TaskKey task, std::string_view job) const;
  Status RecordProcess(TaskKey task, pid_t pid) const;
  // Links the named files of the work directory aside.
  Status Stage(TaskKey task, StagedId staged, const std::vector<std::string>& names) const;
  void Unstage(TaskKey task, StagedId staged) const;
  void Remove(TaskKey task) const;

  // The variable that everything an agent starts has in its environment, and its value: which
  // folder of attempts it comes of. A copy of a folder has another identity.
  static constexpr const char* kMarkName = "FUSOR_ATTEMPTS";
  std::string Identity() const;

  // At the agent's start: kills what an earlier agent's trials left running, waits until it is gone
  // and removes every attempt's directory. That is the recorded groups, and whatever carries the
  // mark: what left its group carries it still. Returns one line for each process killed, and an
  // error when one cannot be.
  Result<std::vector<std::string>> CleanUp() const;

 private:
  std::filesystem::path Of(TaskKey task, std::string_view suffix) const;
  Status KillRecorded(std::vector<std::string>& said) const;

  std::filesystem::path root_;
};

// A relative path that stays inside its directory.
bool IsPlainRelativePath(std::string_view name);

}  // namespace fusor::agent
