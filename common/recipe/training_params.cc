#include "common/recipe/training_params.h"

#include <optional>
#include <utility>

namespace fusor {

namespace {

constexpr double kBatchMax = 65'536;
constexpr char kBatch[] = "batch_size";
constexpr char kMicro[] = "micro_batch_size";
constexpr char kAccumulate[] = "accumulate";

std::optional<std::int64_t> Number(const ParamValues& values, std::string_view name) {
  const auto* number = std::get_if<std::int64_t>(&values.find(name)->second);
  return number == nullptr ? std::nullopt : std::optional(*number);
}

Status CheckBatch(const ParamValues& values) {
  const auto batch = Number(values, kBatch);
  const auto micro = Number(values, kMicro);
  const auto accumulate = Number(values, kAccumulate);
  const auto text = [](const char* name, const std::optional<std::int64_t>& value) {
    return std::string(name) + " " + std::to_string(*value);
  };
  if (batch && micro && accumulate && *batch != *micro * *accumulate) {
    return InvalidArgument(text(kBatch, batch) + " is not " + text(kMicro, micro) + " times " +
                           text(kAccumulate, accumulate));
  }
  for (const auto& [name, part] : {std::pair(kMicro, micro), std::pair(kAccumulate, accumulate)}) {
    if (batch && part && *batch % *part != 0) {
      return InvalidArgument(text(kBatch, batch) + " is not a multiple of " + text(name, part));
    }
  }
  return Ok();
}

// A shape's end, a rise's share and the like only mean something to one schedule.
Status CheckWarmUp(const ParamValues& values) {
  const auto steps = std::get<std::int64_t>(values.find("warm_up_steps")->second);
  const auto& schedule = std::get<std::string>(values.find("schedule")->second);
  const auto& shape = std::get<std::string>(values.find("warm_up")->second);
  if (steps > 0 && schedule == "one_cycle") {
    return InvalidArgument("one_cycle has its own rise (cycle_rise) and takes no warm_up_steps");
  }
  if (steps == 1 && shape == "log") {
    return InvalidArgument("a logarithmic warm-up has at least 2 warm_up_steps");
  }
  return Ok();
}

std::vector<Param> BatchParams(const TrainingDefaults& defaults) {
  return {
      {.name = "epochs",
       .type = ParamType::kInt,
       .default_value = defaults.epochs,
       .min = 1,
       .max = 100'000,
       .help = "passes over the training data"},
      {.name = kBatch,
       .type = ParamType::kInt,
       .default_value = kAuto,
       .min = 1,
       .max = kBatchMax,
       .help = "samples of one step of the optimiser: micro_batch_size times accumulate",
       .automatic =
           "micro_batch_size times accumulate if both are given, else " + defaults.batch_size},
      {.name = kMicro,
       .type = ParamType::kInt,
       .default_value = kAuto,
       .min = 1,
       .max = kBatchMax,
       .help = "samples that go through the model at once; fewer need less memory",
       .automatic = "batch_size / accumulate"},
      {.name = kAccumulate,
       .type = ParamType::kInt,
       .default_value = kAuto,
       .min = 1,
       .max = kBatchMax,
       .help = "micro-batches whose gradients are added up before a step",
       .automatic = "batch_size / micro_batch_size, or 1"},
  };
}

std::vector<Param> OptimizerParams(const TrainingDefaults& defaults) {
  return {
      {.name = "optimizer",
       .type = ParamType::kChoice,
       .default_value = defaults.optimizer,
       .choices = {"sgd", "adam", "adamw", "lion", "muon"},
       .help = "muon takes the matrices and leaves the rest to AdamW"},
      {.name = "learning_rate",
       .type = ParamType::kFloat,
       .default_value = kAuto,
       .min = 0,
       .max = 100,
       .help = "the highest; the schedule moves it",
       .automatic = defaults.learning_rate},
      {.name = "momentum",
       .type = ParamType::kFloat,
       .default_value = 0.9,
       .min = 0,
       .max = 0.9999,
       .help = "of sgd and muon"},
      {.name = "nesterov",
       .type = ParamType::kBool,
       .default_value = true,
       .help = "sgd and muon look ahead along the momentum"},
      {.name = "beta1",
       .type = ParamType::kFloat,
       .default_value = 0.9,
       .min = 0,
       .max = 0.999999,
       .help = "how slowly the mean of gradients moves; adam, adamw, lion"},
      {.name = "beta2",
       .type = ParamType::kFloat,
       .default_value = kAuto,
       .min = 0,
       .max = 0.999999,
       .help = "how slowly the mean of their squares moves; adam, adamw, lion",
       .automatic = "0.99 with lion, else 0.999"},
      {.name = "epsilon",
       .type = ParamType::kFloat,
       .default_value = 1e-8,
       .min = 0,
       .max = 1,
       .help = "added to the root of the squares; adam, adamw"},
      {.name = "muon_iterations",
       .type = ParamType::kInt,
       .default_value = std::int64_t{5},
       .min = 1,
       .max = 20,
       .help = "of muon's orthogonalisation"},
      {.name = "muon_rate",
       .type = ParamType::kChoice,
       .default_value = "like_adamw",
       .choices = {"like_adamw", "original"},
       .help = "how muon's rate follows a matrix's shape: updates as large as AdamW's, or times "
               "sqrt(max(1, rows / columns))"},
      {.name = "weight_decay",
       .type = ParamType::kFloat,
       .default_value = kAuto,
       .min = 0,
       .max = 1,
       .help = "of matrices and convolutions; never of norms, biases and embeddings",
       .automatic = defaults.weight_decay},
      {.name = "clip_norm",
       .type = ParamType::kFloat,
       .default_value = defaults.clip_norm,
       .min = 0,
       .max = 1e6,
       .help = "largest norm of all gradients together; 0: not clipped"},
  };
}

std::vector<Param> ScheduleParams(const TrainingDefaults& defaults) {
  return {
      {.name = "schedule",
       .type = ParamType::kChoice,
       .default_value = "cosine",
       .choices = {"constant", "step", "linear", "cosine", "one_cycle"},
       .help = "how learning rates move over the run"},
      {.name = "rate_floor",
       .type = ParamType::kFloat,
       .default_value = defaults.rate_floor,
       .min = 0,
       .max = 1,
       .help = "linear, cosine: where they end, as a share of the learning rate"},
      {.name = "step_every",
       .type = ParamType::kInt,
       .default_value = std::int64_t{30},
       .min = 1,
       .max = 100'000,
       .help = "step: epochs from one fall to the next"},
      {.name = "step_factor",
       .type = ParamType::kFloat,
       .default_value = 0.1,
       .min = 0,
       .max = 1,
       .help = "step: what each fall multiplies by"},
      {.name = "warm_up_steps",
       .type = ParamType::kInt,
       .default_value = std::int64_t{0},
       .min = 0,
       .max = 100'000'000,
       .help = "steps over which learning rates rise at first"},
      {.name = "warm_up",
       .type = ParamType::kChoice,
       .default_value = "linear",
       .choices = {"linear", "log"},
       .help = "the shape of that rise"},
      {.name = "warm_up_from",
       .type = ParamType::kFloat,
       .default_value = 0.0,
       .min = 0,
       .max = 1,
       .help = "where it begins, as a share of the learning rate"},
      {.name = "cycle_rise",
       .type = ParamType::kFloat,
       .default_value = 0.3,
       .min = 0.001,
       .max = 0.999,
       .help = "one_cycle: share of the run in which rates rise"},
      {.name = "cycle_start_divisor",
       .type = ParamType::kFloat,
       .default_value = 25.0,
       .min = 1,
       .max = 1e9,
       .help = "one_cycle: the first rate is the learning rate divided by this"},
      {.name = "cycle_end_divisor",
       .type = ParamType::kFloat,
       .default_value = 10'000.0,
       .min = 1,
       .max = 1e9,
       .help = "one_cycle: the last rate is the first divided by this"},
  };
}

std::vector<Param> RunParams() {
  return {
      {.name = "precision",
       .type = ParamType::kChoice,
       .default_value = "fp32",
       .choices = {"fp32", "tf32", "bf16", "fp16", "adaptive"},
       .help = "what forward and backward compute in; weights are kept in fp32, and norms, softmax "
               "and the loss are taken in it; adaptive moves between bf16 and fp32 as the loss "
               "asks for",
       .role = ParamRole::kPrecision},
      {.name = "loss_scaling",
       .type = ParamType::kChoice,
       .default_value = "torch",
       .choices = {"torch", "deepspeed"},
       .help = "fp16: whose rule moves the loss scale"},
      {.name = "switch_every",
       .type = ParamType::kInt,
       .default_value = std::int64_t{0},
       .min = 0,
       .max = 100'000'000,
       .help =
           "adaptive: changes between bf16 and fp32 after every so many steps; 0: when the loss "
           "is restless or rises"},
      {.name = "on_nonfinite",
       .type = ParamType::kChoice,
       .default_value = "stop",
       .choices = {"stop", "continue"},
       .help = "a loss that is NaN or infinite ends the trial as diverged, or its step is passed "
               "over"},
      {.name = "cuda_graph",
       .type = ParamType::kChoice,
       .default_value = "auto",
       .choices = {"auto", "on", "off"},
       .help =
           "on a GPU: whole steps are recorded once and queued as one; on: fails with the reason "
           "where that cannot be, instead of going on without"},
      {.name = "tune_convolutions",
       .type = ParamType::kChoice,
       .default_value = "auto",
       .choices = {"auto", "on", "off"},
       .help = "on a GPU: each convolution tries its kernels at the first step and keeps the "
               "fastest, which takes seconds; auto: where at least 1,000 steps are to be made"},
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

std::vector<Param> EarlyStopParams() {
  return {
      {.name = "early_stop",
       .type = ParamType::kInt,
       .default_value = std::int64_t{0},
       .min = 0,
       .max = 100'000,
       .help = "ends the training after so many evaluations in a row that are no better than the "
               "best before them; 0: never"},
      {.name = "early_stop_min_delta",
       .type = ParamType::kFloat,
       .default_value = 0.0,
       .min = 0,
       .max = 1e9,
       .help = "by how much an evaluation must be better to count"},
  };
}

std::vector<Param> TrainingParams(const TrainingDefaults& defaults) {
  std::vector<Param> params;
  for (auto part : {BatchParams(defaults), OptimizerParams(defaults), ScheduleParams(defaults),
                    EarlyStopParams(), RunParams()}) {
    for (Param& param : part) params.push_back(std::move(param));
  }
  return params;
}

std::vector<Rule> TrainingRules() {
  return {{.reads = {kBatch, kMicro, kAccumulate},
           .says = "`batch_size` is `micro_batch_size` times `accumulate`",
           .check = CheckBatch},
          {.reads = {"warm_up_steps", "warm_up", "schedule"},
           .says = "`warm_up_steps` is 0 with `one_cycle`, and not 1 with a `log` warm-up",
           .check = CheckWarmUp}};
}

void SettleBatch(ParamValues& values, std::int64_t own) {
  auto batch = Number(values, kBatch);
  auto micro = Number(values, kMicro);
  auto accumulate = Number(values, kAccumulate);
  if (!batch && micro && accumulate) batch = *micro * *accumulate;
  // A batch of the recipe's own size gives way to a part that does not divide it.
  if (!batch && micro) batch = own % *micro == 0 ? own : *micro;
  if (!batch && accumulate) batch = (own + *accumulate - 1) / *accumulate * *accumulate;
  if (!batch) batch = own;
  if (!accumulate) accumulate = micro ? *batch / *micro : 1;
  values.insert_or_assign(kBatch, *batch);
  values.insert_or_assign(kMicro, *batch / *accumulate);
  values.insert_or_assign(kAccumulate, *accumulate);
}

}  // namespace fusor
