#pragma once

// Everything a run needs to go on as if it had never stopped, in one safetensors file: the tensors
// of model and optimiser, and the position in the metadata. Random draws depend on the position
// alone. A tensor with two names (tied weights) is stored once and found under both.

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "trainer/engine/averages.h"
#include "trainer/engine/early_stop.h"
#include "trainer/models/parameters.h"
#include "trainer/optim/optimizer.h"
#include "trainer/precision/loss_scaler.h"
#include "trainer/precision/precision_switch.h"

namespace fusor {

struct Position {
  std::int64_t step = 0;             // finished steps
  std::int64_t applied = 0;          // of them, those that changed the weights
  std::int64_t evaluated_step = -1;  // of the last evaluation
  Averages averages;
  double last_value = std::numeric_limits<double>::quiet_NaN();  // of the selection metric
  double best_value = std::numeric_limits<double>::quiet_NaN();  // the best one
  std::int64_t best_step = -1;                                   // -1: no best model yet
  LossScaler::State loss_scaler;                                 // used with fp16 alone
  PrecisionSwitch::State precision;                              // used with adaptive alone
  EarlyStop::State early_stop;                                   // used with early_stop alone
};

// What a run is: `config` must be equal for a checkpoint to be taken up; the rest decides whether
// going on can be bit for bit what going straight would have been.
struct RunIdentity {
  std::string config;    // recipe, version and parameters, canonical
  std::string numerics;  // threads, instruction set, precision, device
};

struct Resumed {
  Position position;
  bool bit_exact = true;
};

Status SaveCheckpoint(const std::string& path, const RunIdentity& identity,
                      const Position& position, const ParameterSet& parameters,
                      const Optimizer& optimizer);

Result<Resumed> LoadCheckpoint(const std::string& path, const RunIdentity& identity,
                               ParameterSet& parameters, Optimizer& optimizer);

// The model alone, for use elsewhere, with what there is to say about it.
Status SaveModel(const std::string& path, const ParameterSet& parameters,
                 const std::map<std::string, std::string>& about);
// Back into the same tensors; out of a checkpoint too.
Status LoadModel(const std::string& path, ParameterSet& parameters);

}  // namespace fusor
