#pragma once

// The files as reads see them. Each reader has connections of its own and may be used from any
// thread.

#include <memory>

#include "coordinator/store/metrics_reader.h"
#include "coordinator/store/state_reader.h"

namespace fusor {

struct Readers {
  std::unique_ptr<StateReader> state;
  std::unique_ptr<MetricsReader> metrics;
};

}  // namespace fusor
