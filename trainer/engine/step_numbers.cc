#include "trainer/engine/step_numbers.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>

#include "common/base/check.h"

namespace fusor {

void StepNumbers::Add(const BatchLoss& loss, std::int64_t samples) {
  std::vector<at::Tensor> numbers = {loss.loss.detach().to(at::kDouble)};
  for (const NamedValue& value : loss.values) {
    numbers.push_back(value.value.detach().to(at::kDouble));
  }
  if (parts_ == 0) {
    names_.emplace_back("train/loss");
    for (const NamedValue& value : loss.values) names_.push_back(value.name);
  }
  CHECK(numbers.size() == names_.size());
  const at::Tensor stacked = at::stack(numbers);
  sums_ = sums_.defined() ? sums_.add(stacked) : stacked;
  ++parts_;
  samples_ += samples;
}

void StepNumbers::Pack() {
  packed_ = sums_;
  const at::Tensor norm = report_ ? report_->NormThere() : at::Tensor();
  if (norm.defined()) packed_ = at::cat({sums_, norm.to(at::kDouble).view({1})});
}

void StepNumbers::TakeFrom(const StepNumbers& recorded) {
  names_ = recorded.names_;
  packed_ = recorded.packed_;
  parts_ = recorded.parts_;
  samples_ = recorded.samples_;
  report_ = recorded.report_;
}

StepReading StepNumbers::Read() const {
  at::Tensor read = packed_.defined() ? packed_ : sums_;
  read = arrival_ ? arrival_->Wait() : read.cpu();
  const double* numbers = read.const_data_ptr<double>();
  StepReading reading;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    reading.means.push_back({names_[i], numbers[i] / static_cast<double>(parts_)});
  }
  if (read.numel() > static_cast<std::int64_t>(names_.size())) {
    reading.norm = numbers[names_.size()];
  }
  return reading;
}

}  // namespace fusor
