#pragma once

// Slots that make trials fail: three different ones within a minute of their start, with no success
// between them, and nothing is started there any more. Now and then such a slot is lent to one
// trial; a success releases it, and so does a person.

#include "coordinator/core/world.h"

namespace fusor::core {

struct EarlyFailure {
  std::uint32_t rank = 0;  // whose process failed
  Failure failure = Failure::kNone;
  Duration running{0};
  bool not_started = false;  // its worker could not start it
};

// Before the attempt is closed.
void JudgeSlot(Turn& turn, const Attempt& attempt, const EarlyFailure& failure);
void AcquitSlots(Turn& turn, const Attempt& attempt);

// The slot's process is over: it is free, or quarantined still.
void FreeSlot(Turn& turn, Worker& worker, std::uint32_t position);

// Lends quarantined slots that are due. True when any was.
bool LendSlots(Turn& turn, Worker& worker);

// A person vouches for the worker.
void ReleaseQuarantine(Turn& turn, Worker& worker);

}  // namespace fusor::core
