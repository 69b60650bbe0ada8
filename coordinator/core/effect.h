#pragma once

// What the core wants done. Writes come first: a send is performed only after the turn's writes are
// committed, and the two lists make that a type instead of a habit.

#include <string>
#include <variant>
#include <vector>

#include "common/base/id.h"
#include "common/base/session.h"
#include "common/base/status.h"
#include "coordinator/core/write.h"

namespace fusor {

struct SendToWorker {
  SessionId session;
  CoordinatorMessage message;
};

// Ends the stream after what was sent on it before.
struct CloseStream {
  SessionId session;
  std::string reason;
};

struct Reply {
  CallId call;
  Status status;
  SweepId sweep;            // what was made or touched
  std::uint64_t count = 0;  // how many trials were touched
};

using Send = std::variant<SendToWorker, CloseStream, Reply>;

struct Effects {
  std::vector<Write> writes;
  std::vector<Send> sends;
};

}  // namespace fusor
