#include "trainer/engine/policy.h"

#include <array>
#include <string_view>
#include <utility>

namespace fusor {
namespace {

template <class Value, std::size_t kCount>
void Choose(const Config& config, const char* name,
            const std::array<std::pair<std::string_view, Value>, kCount>& choices, Value& out) {
  if (!config.Has(name)) return;
  for (const auto& [text, value] : choices) {
    if (config.Text(name) == text) out = value;
  }
}

void Read(const Config& config, const char* name, double& out) {
  if (config.Has(name)) out = config.Float(name);
}

void Read(const Config& config, const char* name, std::int64_t& out) {
  if (config.Has(name)) out = config.Int(name);
}

OptimizerOptions OptimizerOf(const Config& config) {
  constexpr std::array<std::pair<std::string_view, Algorithm>, 5> kAlgorithms = {
      {{"sgd", Algorithm::kSgd},
       {"adam", Algorithm::kAdam},
       {"adamw", Algorithm::kAdamW},
       {"lion", Algorithm::kLion},
       {"muon", Algorithm::kMuon}}};
  constexpr std::array<std::pair<std::string_view, MuonRate>, 2> kRates = {
      {{"original", MuonRate::kOriginal}, {"like_adamw", MuonRate::kLikeAdamW}}};
  OptimizerOptions options;
  Choose(config, "optimizer", kAlgorithms, options.algorithm);
  Read(config, "weight_decay", options.weight_decay);
  Read(config, "momentum", options.momentum);
  options.nesterov = config.Has("nesterov") && config.Bool("nesterov") && options.momentum > 0;
  Read(config, "beta1", options.beta1);
  Read(config, "beta2", options.beta2);
  Read(config, "epsilon", options.epsilon);
  if (config.Has("muon_iterations")) {
    options.muon_iterations = static_cast<int>(config.Int("muon_iterations"));
  }
  Choose(config, "muon_rate", kRates, options.muon_rate);
  return options;
}

ScheduleOptions ScheduleOf(const Config& config) {
  using Shape = ScheduleOptions::Shape;
  using WarmUp = ScheduleOptions::WarmUp;
  constexpr std::array<std::pair<std::string_view, Shape>, 5> kShapes = {
      {{"constant", Shape::kConstant},
       {"step", Shape::kStep},
       {"linear", Shape::kLinear},
       {"cosine", Shape::kCosine},
       {"one_cycle", Shape::kOneCycle}}};
  constexpr std::array<std::pair<std::string_view, WarmUp>, 2> kWarmUps = {
      {{"linear", WarmUp::kLinear}, {"log", WarmUp::kLog}}};
  ScheduleOptions options{.rate = 1};
  Choose(config, "schedule", kShapes, options.shape);
  Read(config, "rate_floor", options.floor);
  Read(config, "step_every", options.step_every);
  Read(config, "step_factor", options.step_factor);
  Read(config, "warm_up_steps", options.warm_up_steps);
  Choose(config, "warm_up", kWarmUps, options.warm_up);
  Read(config, "warm_up_from", options.warm_up_from);
  Read(config, "cycle_rise", options.cycle_rise);
  Read(config, "cycle_start_divisor", options.cycle_start_divisor);
  Read(config, "cycle_end_divisor", options.cycle_end_divisor);
  return options;
}

}  // namespace

bool TrainingPolicy::Tunes(std::int64_t steps) const {
  constexpr std::int64_t kStepsThatPay = 1'000;
  return tune == AutoSwitch::kOn || (tune == AutoSwitch::kWherePays && steps >= kStepsThatPay);
}

TrainingPolicy PolicyOf(const Config& config) {
  TrainingPolicy policy;
  policy.optimizer = OptimizerOf(config);
  policy.schedule = ScheduleOf(config);
  Read(config, "accumulate", policy.accumulate);
  Read(config, "clip_norm", policy.clip_norm);
  policy.record_norm = config.Has("clip_norm");
  policy.stop_on_nonfinite = !config.Has("on_nonfinite") || config.Text("on_nonfinite") == "stop";
  policy.scale_loss = config.Has("precision") && config.Text("precision") == "fp16";
  policy.adapt_precision = config.Has("precision") && config.Text("precision") == "adaptive";
  constexpr std::array<std::pair<std::string_view, AutoSwitch>, 3> kUses = {
      {{"auto", AutoSwitch::kWherePays}, {"on", AutoSwitch::kOn}, {"off", AutoSwitch::kOff}}};
  Choose(config, "cuda_graph", kUses, policy.graph);
  Choose(config, "tune_convolutions", kUses, policy.tune);
  Read(config, "switch_every", policy.adapting.every);
  Read(config, "early_stop", policy.early_stop.patience);
  Read(config, "early_stop_min_delta", policy.early_stop.min_delta);
  if (config.Has("loss_scaling") && config.Text("loss_scaling") == "deepspeed") {
    policy.scaling = LossScalerPolicy::DeepSpeed();
  }
  return policy;
}

}  // namespace fusor
