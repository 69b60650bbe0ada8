#pragma once

// What attempts report. Each fact is applied once, in order: the cursor of its (attempt, rank) is
// written in the same turn as what the fact changes.

#include <cstdint>
#include <vector>

#include "coordinator/core/world.h"

namespace fusor::core {

// Core facts among those up to `number`, all of which metrics.db holds.
struct FactBatch {
  SessionId session;
  AttemptId attempt;
  std::uint32_t rank = 0;
  std::uint64_t number = 0;
  const std::vector<Fact>& facts;
};

void ApplyFacts(Turn& turn, const FactBatch& batch);
// The same for facts that metrics.db stored first: they count although their stream may have ended.
void ApplyStored(Turn& turn, const FactBatch& batch);

// Facts that came without metrics.db between: consecutive ones, of all kinds.
void OnFacts(Turn& turn, SessionId session, const FactsMessage& message);

}  // namespace fusor::core
