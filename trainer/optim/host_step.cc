#include "trainer/optim/host_step.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_strided.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "trainer/math/parallel.h"
#include "trainer/optim/kernels.h"
#include "trainer/optim/muon.h"

namespace fusor {
namespace {

constexpr std::int64_t kChunk = 32'768;   // floats that one thread takes at a time
constexpr std::int64_t kLeastChunks = 4;  // less work is done before another thread has begun
constexpr std::int64_t kTile = 2'048;  // floats of each buffer that stay in the first-level cache

// The gradient of a parameter that had no part in a step.
alignas(64) constexpr float kZeros[kTile] = {};

bool LieAlike(const at::Tensor& a, const at::Tensor& b) {
  if (a.scalar_type() != at::kFloat || a.sizes() != b.sizes()) return false;
  for (std::int64_t i = 0; i < a.dim(); ++i) {
    if (a.size(i) != 1 && a.stride(i) != b.stride(i)) return false;
  }
  return true;
}

float* BeginOf(const at::Tensor& buffer) {
  return buffer.defined() ? buffer.mutable_data_ptr<float>() : nullptr;
}

template <class T>
std::int64_t Count(const std::vector<T>& items) {
  return static_cast<std::int64_t>(items.size());
}

float Rounded(double value) { return static_cast<float>(value); }

}  // namespace

HostStep::HostStep(OptimizerState& state) : state_(state) {
  FindMemory();
  CutUp();
}

void HostStep::FindMemory() {
  memory_.values = BeginOf(state_.parameters.values());
  memory_.first = BeginOf(state_.first);
  if (state_.second.defined()) memory_.second = BeginOf(state_.second) - state_.second_begin;
  if (state_.copy.defined()) {
    memory_.copy = static_cast<std::uint16_t*>(state_.copy.mutable_data_ptr());
  }
}

void HostStep::CutUp() {
  chunks_.push_back(0);
  std::int64_t room = kChunk;
  const std::vector<Slot>& slots = state_.parameters.slots();
  for (std::size_t i = 0; i < slots.size(); ++i) {
    for (std::int64_t begin = 0; begin < slots[i].count;) {
      const std::int64_t count = std::min(room, slots[i].count - begin);
      pieces_.push_back({i, begin, count});
      begin += count;
      // Whole cache lines, so that every piece begins with one.
      room -= (count + FlatParameters::kAlignment - 1) / FlatParameters::kAlignment *
              FlatParameters::kAlignment;
      if (room > 0) continue;
      chunks_.push_back(pieces_.size());
      room = kChunk;
    }
  }
  if (chunks_.back() != pieces_.size()) chunks_.push_back(pieces_.size());
}

StepReport HostStep::Run(const StepInput& input) {
  FindGradients();
  std::vector<double> norms;
  double joint = 1;
  if (input.NeedsNorm()) {
    norms = GroupNorms(input.loss_scale);
    const StepReport found(norms, !input.skip_nonfinite);
    if (input.skip_nonfinite && !std::isfinite(found.norm())) {
      state_.ClearGradients(OptimizerState::Zero::kNow);
      return found;
    }
    joint = ClipFactor(found.norm(), input.clip_norm);
  }
  ++*state_.steps.mutable_data_ptr<std::int64_t>();
  steps_.clear();
  for (const Segment& segment : state_.parameters.segments()) {
    const std::size_t group = segment.group;
    const double clip =
        input.clip_norms.empty() ? joint : ClipFactor(norms[group], input.clip_norms[group]);
    steps_.push_back(StepOf(segment, input.RateOf(group), clip / input.loss_scale));
  }
  Sweep();
  UpdateMatrices();
  for (const Slot& slot : state_.parameters.slots()) {
    slot.value.unsafeGetTensorImpl()->bump_version();  // for autograd's checks
  }
  state_.ClearGradients(OptimizerState::Zero::kIsDone);
  kept_.clear();
  return StepReport(std::move(norms));
}

void HostStep::FindGradients() {
  gradients_.clear();
  for (const Slot& slot : state_.parameters.slots()) {
    at::Tensor gradient = slot.value.grad();
    if (gradient.defined() && !LieAlike(gradient, slot.value)) {
      kept_.push_back(
          at::empty_strided(slot.value.sizes(), slot.value.strides(), slot.value.options()));
      gradient = kept_.back().copy_(gradient);
    }
    gradients_.push_back(gradient.defined() ? gradient.mutable_data_ptr<float>() : nullptr);
  }
}

std::vector<double> HostStep::GroupNorms(double loss_scale) const {
  std::vector<double> squares(pieces_.size());
  ParallelFor(Count(chunks_) - 1, kLeastChunks, [&](std::int64_t begin, std::int64_t end) {
    const std::size_t last = chunks_[static_cast<std::size_t>(end)];
    for (std::size_t i = chunks_[static_cast<std::size_t>(begin)]; i < last; ++i) {
      const Piece& piece = pieces_[i];
      const float* gradient = gradients_[piece.slot];
      if (gradient != nullptr) squares[i] = SumOfSquares(gradient + piece.begin, piece.count);
    }
  });
  std::vector<double> norms(state_.parameters.groups());
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    const Slot& slot = state_.parameters.slots()[pieces_[i].slot];
    norms[state_.parameters.segments()[slot.segment].group] += squares[i];
  }
  for (double& norm : norms) norm = std::sqrt(norm) / loss_scale;
  return norms;
}

HostStep::SegmentStep HostStep::StepOf(const Segment& segment, double rate, double scale) const {
  const OptimizerOptions& options = state_.options;
  const std::int64_t step =
      std::max<std::int64_t>(state_.steps.item<std::int64_t>() - segment.frozen_steps, 1);
  const float decay = Rounded(segment.weight_decay);
  const float keep = Rounded(1 - rate * segment.weight_decay);
  const bool coupled = options.algorithm == Algorithm::kAdam;
  return {.sgd = {.scale = Rounded(scale),
                  .decay = decay,
                  .momentum = Rounded(options.momentum),
                  .nesterov = options.nesterov,
                  .rate = Rounded(rate)},
          .adam = {.scale = Rounded(scale),
                   .decay = coupled ? decay : 0,
                   .keep = coupled ? 1 : keep,
                   .one_minus_beta1 = Rounded(1 - options.beta1),
                   .beta2 = Rounded(options.beta2),
                   .one_minus_beta2 = Rounded(1 - options.beta2),
                   .rate = Rounded(rate / Gathered(options.beta1, step)),
                   .root = Rounded(1 / std::sqrt(Gathered(options.beta2, step))),
                   .epsilon = Rounded(options.epsilon)},
          .lion = {.scale = Rounded(scale),
                   .keep = keep,
                   .beta1 = Rounded(options.beta1),
                   .one_minus_beta1 = Rounded(1 - options.beta1),
                   .beta2 = Rounded(options.beta2),
                   .one_minus_beta2 = Rounded(1 - options.beta2),
                   .rate = Rounded(rate)},
          .muon = {.scale = Rounded(scale),
                   .one_minus_momentum = Rounded(1 - options.momentum),
                   .nesterov = options.nesterov},
          .rate = rate};
}

void HostStep::Sweep() {
  const bool muon = state_.options.algorithm == Algorithm::kMuon;
  ParallelFor(Count(chunks_) - 1, kLeastChunks, [&](std::int64_t begin, std::int64_t end) {
    const std::size_t last = chunks_[static_cast<std::size_t>(end)];
    for (std::size_t i = chunks_[static_cast<std::size_t>(begin)]; i < last; ++i) {
      const std::size_t segment = state_.parameters.slots()[pieces_[i].slot].segment;
      if (!muon || !state_.parameters.segments()[segment].matrices) UpdatePiece(pieces_[i]);
    }
  });
}

void HostStep::UpdatePiece(const Piece& piece) {
  const Slot& slot = state_.parameters.slots()[piece.slot];
  const SegmentStep& step = steps_[slot.segment];
  if (IsFrozen(state_.parameters.segments()[slot.segment], step.rate)) return;
  float* gradient = gradients_[piece.slot];
  for (std::int64_t done = 0; done < piece.count; done += kTile) {
    const std::int64_t within = piece.begin + done;
    const std::int64_t count = std::min(kTile, piece.count - done);
    UpdateTile(step, slot.offset + within, gradient == nullptr ? kZeros : gradient + within, count);
    Copy(slot.offset + within, count);
    if (gradient != nullptr) Clear(gradient + within, count);
  }
}

void HostStep::UpdateTile(const SegmentStep& step, std::int64_t offset, const float* gradient,
                          std::int64_t count) {
  float* value = memory_.values + offset;
  float* first = memory_.first == nullptr ? nullptr : memory_.first + offset;
  switch (state_.options.algorithm) {
    case Algorithm::kSgd:
      return SgdUpdate(step.sgd, value, first, gradient, count);
    case Algorithm::kLion:
      return LionUpdate(step.lion, value, first, gradient, count);
    case Algorithm::kAdam:
    case Algorithm::kAdamW:
    case Algorithm::kMuon:
      return AdamUpdate(step.adam, value, first, memory_.second + offset, gradient, count);
  }
}

void HostStep::Copy(std::int64_t offset, std::int64_t count) {
  if (memory_.copy != nullptr) ToBfloat16(memory_.values + offset, memory_.copy + offset, count);
}

void HostStep::Clear(float* gradient, std::int64_t count) const {
  if (!state_.gradients.defined()) return;
  std::memset(gradient, 0, static_cast<std::size_t>(count) * sizeof(float));
}

void HostStep::UpdateMatrices() {
  if (state_.options.algorithm != Algorithm::kMuon) return;
  const std::vector<Segment>& segments = state_.parameters.segments();
  for (std::size_t index = 0; index < segments.size(); ++index) {
    const Segment& segment = segments[index];
    if (!segment.matrices || IsFrozen(segment, steps_[index].rate)) continue;
    for (std::size_t i = segment.first_slot; i < segment.slots_end; ++i) {
      UpdateMatrix(state_.parameters.slots()[i], gradients_[i]);
    }
  }
}

void HostStep::UpdateMatrix(const Slot& slot, float* gradient) {
  const SegmentStep& step = steps_[slot.segment];
  at::Tensor update = at::empty({slot.count}, at::kFloat);
  float* out = update.mutable_data_ptr<float>();
  const std::int64_t tiles = (slot.count + kTile - 1) / kTile;
  ParallelFor(tiles, kLeastChunks * kChunk / kTile, [&](std::int64_t first, std::int64_t last) {
    const std::int64_t end = std::min(last * kTile, slot.count);
    for (std::int64_t begin = first * kTile; begin < end; begin += kTile) {
      const std::int64_t count = std::min(kTile, end - begin);
      MuonMomentum(step.muon, memory_.first + slot.offset + begin, out + begin,
                   gradient == nullptr ? kZeros : gradient + begin, count);
      if (gradient != nullptr) Clear(gradient + begin, count);
    }
  });
  const Segment& segment = state_.parameters.segments()[slot.segment];
  at::Tensor value = state_.parameters.values().narrow(0, slot.offset, slot.count);
  ApplyMuon(state_.options, {.rate = step.rate, .decay = segment.weight_decay}, value,
            update.view({slot.value.size(0), -1}));
  Copy(slot.offset, slot.count);
}

}  // namespace fusor
