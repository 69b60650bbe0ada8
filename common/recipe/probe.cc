// Recipe `probe`: next to no training, but everything a trial does around it.

#include "common/recipe/catalogue.h"
#include "common/recipe/training_params.h"

namespace fusor {

namespace {

Status CheckFaultStep(const ParamValues& values) {
  const auto& fault = std::get<std::string>(values.find("fault")->second);
  const auto step = std::get<std::int64_t>(values.find("fault_step")->second);
  const auto steps = std::get<std::int64_t>(values.find("steps")->second);
  if (fault == "none" || step <= steps) return Ok();
  return InvalidArgument("fault_step " + std::to_string(step) + " is never reached in " +
                         std::to_string(steps) + " steps");
}

std::vector<Param> WorkParams() {
  return {
      {.name = "steps",
       .type = ParamType::kInt,
       .default_value = std::int64_t{100},
       .min = 0,
       .max = 1'000'000'000,
       .help = "steps to do"},
      {.name = "step_ms",
       .type = ParamType::kFloat,
       .default_value = 0.0,
       .min = 0,
       .max = 3'600'000,
       .help = "milliseconds each step waits"},
      {.name = "matrix",
       .type = ParamType::kInt,
       .default_value = std::int64_t{0},
       .min = 0,
       .max = 16'384,
       .help = "each step multiplies square matrices of this size; 0: single numbers"},
      {.name = "metrics_per_step",
       .type = ParamType::kInt,
       .default_value = std::int64_t{1},
       .min = 0,
       .max = 10'000,
       .help = "metric points each step reports"},
      {.name = "checkpoint_every",
       .type = ParamType::kInt,
       .default_value = std::int64_t{0},
       .min = 0,
       .max = 1'000'000'000,
       .help = "steps between checkpoints; 0: only as the sweep's checkpoint policy says"},
  };
}

std::vector<Param> FaultParams() {
  return {
      {.name = "fault",
       .type = ParamType::kChoice,
       .default_value = "none",
       .choices = {"none", "crash", "hang", "throw", "oom", "nan", "exit"},
       .help =
           "what goes wrong: a signal, no more progress, an exception, memory taken until there "
           "is none, a NaN loss, an exit status"},
      {.name = "fault_step",
       .type = ParamType::kInt,
       .default_value = std::int64_t{0},
       .min = 0,
       .max = 1'000'000'000,
       .help = "the step at which it goes wrong"},
      {.name = "fault_attempts",
       .type = ParamType::kInt,
       .default_value = std::int64_t{0},
       .min = 0,
       .max = 1'000'000,
       .help = "only the first so many attempts go wrong; 0: every one"},
      {.name = "on_nonfinite",
       .type = ParamType::kChoice,
       .default_value = "stop",
       .choices = {"stop", "continue"},
       .help = "a NaN loss ends the trial as diverged, or is passed over"},
  };
}

// Parameters that stand for those of real recipes, so that any sweep can be tried out.
std::vector<Param> StandInParams() {
  return {
      {.name = "model",
       .type = ParamType::kText,
       .default_value = "probe",
       .help = "stands for a model's name"},
      {.name = "fusion",
       .type = ParamType::kText,
       .default_value = "",
       .help = "stands for a fusion's name"},
      {.name = "expert",
       .type = ParamType::kInt,
       .default_value = std::int64_t{0},
       .min = 0,
       .max = 1'000'000,
       .help = "stands for an expert's number"},
      {.name = "batch_size",
       .type = ParamType::kInt,
       .default_value = std::int64_t{64},
       .min = 1,
       .max = 1'000'000,
       .help = "moves the loss curve a little"},
      {.name = "learning_rate",
       .type = ParamType::kFloat,
       .default_value = 0.1,
       .min = 0,
       .max = 100,
       .help = "moves the loss curve; best near 0.1"},
      {.name = "precision",
       .type = ParamType::kChoice,
       .default_value = "fp32",
       .choices = {"fp32", "tf32", "bf16", "fp16"},
       .help = "what the matrices are multiplied in; the worker must offer it",
       .role = ParamRole::kPrecision},
      {.name = "data",
       .type = ParamType::kChoice,
       .default_value = "none",
       .choices = {"none", "cifar10", "cifar100"},
       .help = "a data set that the worker must have; it is not read",
       .role = ParamRole::kDataset},
      {.name = "seed",
       .type = ParamType::kInt,
       .default_value = std::int64_t{0},
       .min = 0,
       .max = 9'007'199'254'740'992,
       .help = "of everything random; set by the sweep's `seeds`",
       .role = ParamRole::kSeed},
  };
}

}  // namespace

Recipe ProbeRecipe() {
  Recipe recipe;
  recipe.name = "probe";
  recipe.help =
      "Fits a small linear problem that it makes up: it steps, reports its loss, evaluates, "
      "checkpoints, resumes, and goes wrong on request. For trying out sweeps, workers and the "
      "system itself.";
  for (auto part : {WorkParams(), EarlyStopParams(), FaultParams(), StandInParams()}) {
    for (Param& param : part) recipe.params.push_back(std::move(param));
  }
  recipe.rules = {{.reads = {"fault", "fault_step", "steps"},
                   .says = "`fault_step` is at most `steps`, when there is a `fault`",
                   .check = CheckFaultStep}};
  recipe.inputs_max = 16;
  return recipe;
}

}  // namespace fusor
