#include "trainer/optim/flat_parameters.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "common/base/check.h"

namespace fusor {
namespace {

// Strides under which the parameter fills a run of memory without gaps, the first dimension
// outermost where it is a matrix to Muon. Channels-last weights keep theirs.
std::vector<std::int64_t> DenseStrides(const at::Tensor& value) {
  const at::Tensor plain = value.detach();
  const bool dense = plain.is_contiguous() || plain.is_contiguous(at::MemoryFormat::ChannelsLast) ||
                     plain.is_contiguous(at::MemoryFormat::ChannelsLast3d);
  return (dense ? plain : plain.contiguous()).strides().vec();
}

std::int64_t RoundUp(std::int64_t count) {
  constexpr std::int64_t unit = FlatParameters::kAlignment;
  return (count + unit - 1) / unit * unit;
}

// In its first group, under its first name.
std::vector<ParameterGroup> EachTensorOnce(std::span<const ParameterGroup> given) {
  std::vector<ParameterGroup> groups(given.begin(), given.end());
  SeenTensors seen;
  for (ParameterGroup& group : groups) DropTied(group.parameters, seen);
  return groups;
}

}  // namespace

FlatParameters::FlatParameters(std::span<const ParameterGroup> given) : groups_(given.size()) {
  const std::vector<ParameterGroup> groups = EachTensorOnce(given);
  const auto add = [&](bool decay, bool matrices) {
    for (std::size_t i = 0; i < groups.size(); ++i) AddSegment(groups[i], i, decay, matrices);
  };
  add(true, true);
  matrices_end_ = size_;
  add(true, false);
  add(false, false);
  if (!slots_.empty()) device_ = slots_[0].value.device();
  MoveValues();
}

void FlatParameters::AddSegment(const ParameterGroup& group, std::size_t index, bool decay,
                                bool matrices) {
  Segment segment{.group = index,
                  .weight_decay = decay ? group.weight_decay : 0,
                  .frozen_steps = group.frozen_steps,
                  .matrices = matrices,
                  .begin = size_,
                  .first_slot = slots_.size()};
  for (const Parameter& parameter : group.parameters) {
    const bool is_matrix = parameter.decay && parameter.value.dim() >= 2;
    if (parameter.decay != decay || is_matrix != matrices) continue;
    CHECK(parameter.value.scalar_type() == at::kFloat && parameter.value.is_leaf());
    const std::int64_t count = parameter.value.numel();
    slots_.push_back({parameter.name, parameter.value, size_, count, segments_.size()});
    size_ += RoundUp(count);
  }
  segment.end = size_;
  segment.slots_end = slots_.size();
  if (segment.slots_end > segment.first_slot) segments_.push_back(segment);
}

void FlatParameters::MoveValues() {
  at::NoGradGuard no_grad;
  values_ = NewBuffer(at::kFloat);
  for (Slot& slot : slots_) {
    CHECK(slot.value.device() == device_);
    at::Tensor view = values_.as_strided(slot.value.sizes(), DenseStrides(slot.value), slot.offset);
    view.copy_(slot.value);
    slot.value.set_data(view);
  }
}

at::Tensor FlatParameters::NewBuffer(at::ScalarType type, std::int64_t begin) const {
  return at::zeros({size_ - begin}, at::TensorOptions(type).device(device_));
}

at::Tensor FlatParameters::View(const at::Tensor& buffer, const Slot& slot,
                                std::int64_t begin) const {
  return buffer.as_strided(slot.value.sizes(), slot.value.strides(), slot.offset - begin);
}

}  // namespace fusor
