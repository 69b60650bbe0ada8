#pragma once

// What one task has to store at the coordinator: one upload at a time; artifacts in their order; of
// checkpoints at most one waits, and a newer one replaces it.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "worker/core/task_key.h"

namespace fusor::agent {

struct Upload {
  StagedId staged;
  std::int64_t step = 0;
  bool checkpoint = false;
  std::string kind;  // of an artifact
  std::string name;
};

class Uploads {
 public:
  // Returns what the new one replaces: its staged files are not needed any more.
  std::optional<StagedId> Add(Upload upload);

  // The next to start, if none is under way and its time has come; it is then under way.
  std::optional<StagedId> StartNext(Time now);

  // The upload under way ended well. Nothing when it is not the one that is under way.
  std::optional<Upload> Finish(StagedId staged);

  // It failed for now: tried again later, unless a newer checkpoint waits. Returns what is given
  // up.
  std::optional<StagedId> Postpone(StagedId staged, Time now);

  // Everything is given up.
  std::vector<StagedId> Clear();

  // The link is back: no need to wait longer.
  void RetryNow() { retry_at_ = Time(); }

  bool Idle() const { return !active_ && !checkpoint_ && artifacts_.empty(); }
  const std::optional<Upload>& active() const { return active_; }
  // When StartNext has something to do; kNever when nothing waits.
  Time NextStart() const;

 private:
  std::optional<Upload> active_;
  std::optional<Upload> checkpoint_;
  std::deque<Upload> artifacts_;
  Time retry_at_{};
  int failures_ = 0;
};

}  // namespace fusor::agent
