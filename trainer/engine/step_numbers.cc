#include "trainer/engine/step_numbers.h"

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

std::vector<Metric> StepNumbers::Read() const {
  const at::Tensor read = sums_.cpu();
  const double* sums = read.const_data_ptr<double>();
  std::vector<Metric> means;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    means.push_back({names_[i], sums[i] / static_cast<double>(parts_)});
  }
  return means;
}

}  // namespace fusor
