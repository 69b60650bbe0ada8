#pragma once

// Which series a trial has, and how far each of them counts: the one place where metrics.db's
// readers apply the rule of taking over.

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/id.h"
#include "common/base/status.h"
#include "coordinator/store/reader_pool.h"

namespace fusor {

// An attempt's points at steps after `last_step` are superseded.
struct AttemptSpan {
  AttemptId attempt;
  std::int64_t last_step = 0;
};

// By attempt.
Result<std::vector<AttemptSpan>> SpansOf(ReaderPool::Lease& lease, const TrialKey& trial);

struct SeriesRef {
  std::string name;
  AttemptId attempt;
  std::uint32_t rank = 0;
  std::int64_t id = 0;
  std::int64_t last_step = 0;  // as its attempt's; without end for system/*
  bool is_system = false;
};

// All series of the attempts, or those named, by (name, attempt, rank).
Result<std::vector<SeriesRef>> SeriesOf(ReaderPool::Lease& lease,
                                        const std::vector<AttemptSpan>& spans,
                                        const std::vector<std::string>& names);

}  // namespace fusor
