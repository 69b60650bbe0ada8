#include "trainer/engine/step_graph.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <c10/util/Exception.h>

#include <algorithm>

namespace fusor {
namespace {

constexpr char kNoGpu[] = "the trial has no GPU";

at::Tensor Like(const at::Tensor& tensor) {
  return tensor.defined() ? at::empty_like(tensor) : tensor;
}

void Copy(const at::Tensor& from, at::Tensor& to) {
  if (from.defined()) to.copy_(from);
}

void Copy(const Batch& from, Batch& to) {
  Copy(from.inputs, to.inputs);
  Copy(from.targets, to.targets);
  Copy(from.partner_targets, to.partner_targets);
  Copy(from.shares, to.shares);
}

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

std::string GraphObstacle(const CudaPlugin* cuda, const TrainingPolicy& policy, const Task& task) {
  if (policy.graph == AutoSwitch::kOff) return "cuda_graph is off";
  if (cuda == nullptr) return kNoGpu;
  if (policy.scale_loss) return "fp16: the loss scale follows from the step before";
  if (policy.adapt_precision) return "adaptive: the precision follows from the step before";
  if (!policy.stop_on_nonfinite) return "on_nonfinite=continue looks at every loss";
  if (!policy.optimizer.RateMayBeThere()) {
    return "the optimiser computes with its rate on the host (lion, muon)";
  }
  return task.GraphObstacle();
}

void StepGraph::Run(const BatchOf& batch_of, StepNumbers& numbers) {
  std::vector<Batch> batches;
  for (std::int64_t part = 0; part < parts_; ++part) batches.push_back(batch_of(part));
  if (!graph_) {
    try {
      Record(batches, numbers);
    } catch (const c10::Error& error) {
      problem_ = FirstLine(error.what_without_backtrace());
      compute_([&](std::int64_t part) { return batches[static_cast<std::size_t>(part)]; }, {},
               numbers);
      return;
    }
  }
  for (std::size_t i = 0; i < batches.size(); ++i) Copy(batches[i], batches_[i]);
  const at::Tensor rates = at::empty({rates_.size(0)}, at::kFloat);
  std::copy(numbers.rates().begin(), numbers.rates().end(), rates.mutable_data_ptr<float>());
  rates_.copy_(cuda_.ToDevice(rates));
  graph_->Replay();
  numbers.TakeFrom(*recorded_);
}

void StepGraph::Record(const std::vector<Batch>& like, const StepNumbers& numbers) {
  for (const Batch& batch : like) {
    Batch& own = batches_.emplace_back(batch);
    for (at::Tensor* tensor : {&own.inputs, &own.targets, &own.partner_targets, &own.shares}) {
      *tensor = Like(*tensor);
    }
  }
  const auto groups = static_cast<std::int64_t>(numbers.rates().size());
  rates_ = at::empty({groups}, at::TensorOptions(at::kFloat).device(like[0].inputs.device()));
  graph_ = cuda_.Capture([&, rates = numbers.rates()] {
    recorded_.emplace(0, rates);
    compute_([&](std::int64_t part) { return batches_[static_cast<std::size_t>(part)]; }, rates_,
             *recorded_);
  });
}

}  // namespace fusor
