#pragma once

// Everything the loop thread is told, as data. Any thread posts; the loop takes them in order.

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/id.h"
#include "common/base/session.h"
#include "common/base/time.h"
#include "coordinator/core/core.h"
#include "coordinator/core/event.h"

namespace fusor {

// What one wire message of a worker's stream carried, in order.
struct WorkerMessages {
  SessionId session;
  std::vector<WorkerMessage> messages;
};

// A run of facts of one (attempt, rank) that metrics.db now holds.
struct StoredBatch {
  AttemptId attempt;
  std::uint32_t rank = 0;
  std::uint64_t number = 0;      // of the last fact
  std::vector<Fact> core_facts;  // those the core decides on
  // Set when nothing was stored. A reason asks to close the stream; an empty one follows such a
  // batch.
  std::optional<std::string> refused;
};

struct BatchesStored {
  std::vector<StoredBatch> batches;
};

// A question to the core. It runs after the turn's commit, so it never sees what is not on disk
// yet; while the loop is frozen it gets nullptr.
struct Query {
  std::function<void(const Core*, Time)> run;
};

// Files that no row names any more were removed: state.db may forget them.
struct GarbageCollected {
  std::vector<std::string> sha256s;
};

using Input = std::variant<Event, WorkerMessages, BatchesStored, Query, GarbageCollected>;

}  // namespace fusor
