#pragma once

// Checkpoints of a run below checkpoint/: one folder per step, complete as soon as it bears its
// number, and never changed afterwards, so that whoever is told of it can take its time to link or
// copy it. The newest two are kept.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"

namespace fusor {

class CheckpointFolder {
 public:
  struct Kept {
    std::int64_t step = 0;
    std::vector<std::string> files;  // paths relative to the current directory
  };

  // Makes room for the checkpoint of `step`.
  static Result<CheckpointFolder> Begin(std::int64_t step);

  // Where to write a file of the checkpoint.
  std::string PathOf(const std::string& name) const;
  // Adds a file that is replaced, never changed, by later steps.
  Status AddLink(const std::string& existing, const std::string& name);
  // The files' final paths.
  Result<std::vector<std::string>> Commit();

  static std::optional<Kept> FindNewest();
  // A run that is over needs none.
  static void RemoveAll();

 private:
  explicit CheckpointFolder(std::int64_t step) : step_(step) {}

  std::int64_t step_;
};

}  // namespace fusor
