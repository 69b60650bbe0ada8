#include "trainer/recipes/probe.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "common/base/random.h"
#include "common/base/sha256.h"
#include "trainer/precision/precision.h"
#include "trainer/recipes/fault.h"

namespace fusor {
namespace {

constexpr std::int64_t kEvaluations = 10;

// Streams of draws; the values are part of what makes runs repeatable.
enum class Stream : std::uint64_t { kTruth = 1, kTrainRows = 2, kTestRows = 3, kNoise = 4 };

// A number that depends on every letter of the text.
std::uint64_t Hash(const std::string& text) {
  return std::stoull(Sha256Hex(text).substr(0, 16), nullptr, 16);
}

template <class Draw>
at::Tensor Fill(std::int64_t size, const Draw& draw) {
  at::Tensor matrix = at::empty({size, size}, at::kFloat);
  float* values = matrix.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < size * size; ++i) values[i] = draw(static_cast<std::uint64_t>(i));
  return matrix;
}

class Probe final : public Task {
 public:
  Probe(const Job& job, const Device& device, Precision precision)
      : config_(job.config),
        device_(device),
        precision_(precision),
        fault_(FaultFromJob(job)),
        size_(std::max<std::int64_t>(config_.Int("matrix"), 1)),
        steps_(config_.Int("steps")) {
    std::int64_t points = config_.Int("metrics_per_step");
    for (std::int64_t i = 0; i < points; ++i) {
      metrics_.push_back({i == 0 ? "train/loss" : "probe/m" + std::to_string(i), 0});
    }
  }

  Status Prepare(Pulse& pulse) override {
    pulse_ = &pulse;
    if (steps_ == 0) {
      if (fault_) fault_->StrikeAt(0);
      return Ok();
    }
    const std::string problem = config_.Text("model") + "/" + config_.Text("fusion") + "/" +
                                std::to_string(config_.Int("expert"));
    const std::uint64_t seed = Mix(Hash(problem), static_cast<std::uint64_t>(config_.Int("seed")));
    const double size = static_cast<double>(size_);
    const double scale = std::sqrt(1.25 * size);
    const double noise = (0.2 + 0.4 * Unit(Mix(Hash(problem), 0))) *
                         std::sqrt(8.0 / static_cast<double>(config_.Int("batch_size")));
    at::Tensor truth = Fill(size_, [&](std::uint64_t i) {
      return static_cast<float>((2 * Unit(Draw(seed, Stream::kTruth, i)) - 1) *
                                std::sqrt(3 / size) / scale);
    });
    train_ = MakeRows(seed, Stream::kTrainRows, scale, truth);
    test_ = MakeRows(seed, Stream::kTestRows, scale, truth);
    train_.targets.add_(Fill(size_, [&](std::uint64_t i) {
      return static_cast<float>((2 * Unit(Draw(seed, Stream::kNoise, i)) - 1) * noise);
    }));
    for (Batch* batch : {&train_, &test_}) {
      *batch = {.inputs = device_.Bring(batch->inputs),
                .targets = device_.Bring(batch->targets),
                .samples = size_};
    }
    at::Tensor weight = device_.Bring(at::zeros({size_, size_}));
    parameters_.trained.push_back({"weight", weight.requires_grad_(), false});
    return Ok();
  }

  Plan plan() const override {
    return {steps_, std::max<std::int64_t>(1, (steps_ + kEvaluations - 1) / kEvaluations)};
  }
  ParameterSet& parameters() override { return parameters_; }
  std::vector<TrainedGroup> groups() override {
    return {{.parameters = parameters_.trained, .rate = config_.Float("learning_rate")}};
  }

  Batch TrainingBatch(MicroStep at) override {
    if (fault_) fault_->StrikeAt(at.step);
    const std::chrono::duration<double, std::milli> wait(config_.Float("step_ms"));
    if (wait.count() > 0) pulse_->Wait(std::chrono::ceil<std::chrono::nanoseconds>(wait));
    step_ = at.step;
    return train_;
  }

  BatchLoss Forward(const Batch& batch) override {
    at::Tensor loss = Loss(batch);
    if (fault_ && fault_->SpoilsLoss(step_)) loss = loss.mul(std::nan(""));
    return {.loss = loss, .values = {}};
  }

  std::span<const Metric> StepMetrics(const StepFacts& facts) override {
    for (std::size_t i = 0; i < metrics_.size(); ++i) {
      metrics_[i].value = facts.loss / static_cast<double>(i + 1);
    }
    return metrics_;
  }

  std::vector<Metric> Evaluate(Split split, Pulse& pulse) override {
    if (split != Split::kValidation) return {};
    double loss = Loss(test_).item<double>();
    pulse.Beat();
    // The share of the targets' variance, which is 1, that the model explains.
    return {{"val/loss", loss}, {"val/accuracy", std::max(0.0, 1 - loss)}};
  }
  std::optional<Selection> selection() const override { return std::nullopt; }
  std::optional<Selection> objective() const override { return Selection{"val/loss", false}; }

 private:
  static std::uint64_t Draw(std::uint64_t seed, Stream stream, std::uint64_t index) {
    return Mix(Mix(seed, static_cast<std::uint64_t>(stream)), index);
  }
  static double Unit(std::uint64_t draw) { return static_cast<double>(draw >> 11) * 0x1.0p-53; }

  Batch MakeRows(std::uint64_t seed, Stream stream, double scale, const at::Tensor& truth) const {
    at::Tensor rows = Fill(size_, [&](std::uint64_t i) {
      return static_cast<float>((Draw(seed, stream, i) & 1) != 0 ? scale : -scale);
    });
    return {.inputs = rows, .targets = at::mm(rows, truth), .samples = size_};
  }

  at::Tensor Loss(const Batch& batch) const {
    const at::Tensor& weight = parameters_.trained[0].value;
    at::Tensor product = at::mm(precision_.Cast(batch.inputs), precision_.Cast(weight));
    return at::mse_loss(product.to(at::kFloat), batch.targets);
  }

  const Config config_;
  const Device device_;
  const Precision precision_;
  std::unique_ptr<Fault> fault_;
  const std::int64_t size_;
  const std::int64_t steps_;
  Pulse* pulse_ = nullptr;
  std::int64_t step_ = 0;
  Batch train_;
  Batch test_;
  ParameterSet parameters_;
  std::vector<Metric> metrics_;
};

}  // namespace

Result<std::unique_ptr<Task>> MakeProbe(const Job& job, const Device& device) {
  auto precision = Precision::FromName(job.config.Text("precision"), device.cuda != nullptr);
  if (!precision.ok()) return precision.status();
  return std::unique_ptr<Task>(std::make_unique<Probe>(job, device, *precision));
}

}  // namespace fusor
