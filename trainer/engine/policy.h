#pragma once

// How a run trains, whatever it trains: the optimiser, its schedule, accumulation, clipping.

#include <cstdint>

#include "common/recipe/recipe.h"
#include "trainer/engine/early_stop.h"
#include "trainer/optim/options.h"
#include "trainer/optim/schedule.h"
#include "trainer/precision/loss_scaler.h"
#include "trainer/precision/precision_switch.h"

namespace fusor {

// kWherePays: `auto`.
enum class AutoSwitch : std::uint8_t { kWherePays, kOn, kOff };

struct TrainingPolicy {
  OptimizerOptions optimizer;
  // The shape for a rate of 1, `step_every` in epochs; the loop gives it the run's length.
  ScheduleOptions schedule{.rate = 1};
  std::int64_t accumulate = 1;                // micro-batches of a step
  double clip_norm = 0;                       // of all gradients together; 0: not clipped
  bool record_norm = false;                   // the gradients' norm, also where nothing needs it
  bool stop_on_nonfinite = true;              // else the step of a non-finite loss is passed over
  bool scale_loss = false;                    // dynamically, as fp16 needs it
  LossScalerPolicy scaling;                   // how, then
  bool adapt_precision = false;               // as its losses ask for
  PrecisionSwitchPolicy adapting;             // how, then
  AutoSwitch graph = AutoSwitch::kWherePays;  // steps are recorded as a CUDA graph
  AutoSwitch tune = AutoSwitch::kWherePays;   // convolutions try their kernels
  EarlyStopPolicy early_stop;                 // when evaluations no longer get better

  // Whether a step depends in no way on the numbers of the one before it.
  bool StepsUnseen() const { return !scale_loss && !adapt_precision && stop_on_nonfinite; }
  // Whether a run with so many steps before it earns back the seconds that trying takes.
  bool Tunes(std::int64_t steps) const;
  bool NeedsNorm() const { return clip_norm > 0 || record_norm; }
};

// What the configuration says; a recipe need not have any of the parameters.
TrainingPolicy PolicyOf(const Config& config);

}  // namespace fusor
