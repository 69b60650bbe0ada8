#pragma once

// The parts of a sweep file that say how trials run, not what they train.

#include "common/text/yaml.h"
#include "coordinator/core/spec.h"
#include "coordinator/spec/map_reader.h"
#include "coordinator/spec/problem.h"

namespace fusor {

// What every stage may override; a stage's map replaces only the keys it names.
struct Policies {
  Resources resources;
  Retry retry;
  CheckpointPolicy checkpoint;
  Duration time_limit{0};
  Duration hang_timeout = std::chrono::minutes(10);
  int priority = 50;
};

// Reads resources, retry, checkpoint, time_limit, hang_timeout and priority over what is there.
void ReadPolicies(MapReader& reader, Problems& problems, Policies& policies);

// Reads objective, on_failure, precision_fallback, max_running and report.
void ReadSweepPolicies(MapReader& reader, Problems& problems, SweepSpec& sweep);

}  // namespace fusor
