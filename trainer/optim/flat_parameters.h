#pragma once

// Parameters moved into one fp32 buffer, so that an optimiser sees one run of memory. Values, and
// any other buffer of the same layout (gradients, moments), are handed out as views that have the
// parameter's own shape and strides.
//
//   | decayed matrices: group 0, group 1, ... | other decayed: ... | not decayed: ... |
//
// Every parameter begins on a cache line; the gaps stay zero.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trainer/optim/options.h"

namespace fusor {

// Where one parameter lies. A tensor that is named twice (tied weights) has one place, under its
// first name, and is trained as that name says.
struct Slot {
  std::string name;
  at::Tensor value;  // the caller's own tensor, now a view of the buffer
  std::int64_t offset = 0;
  std::int64_t count = 0;
  std::size_t segment = 0;
};

// Neighbours that are updated alike.
struct Segment {
  std::size_t group = 0;
  double weight_decay = 0;
  std::int64_t frozen_steps = 0;
  bool matrices = false;  // two dimensions or more, and decayed: what Muon takes
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::size_t first_slot = 0;
  std::size_t slots_end = 0;
};

// A frozen group's rate is 0; not even its decay may reach the moments.
inline bool IsFrozen(const Segment& segment, double rate) {
  return segment.frozen_steps > 0 && rate == 0;
}

class FlatParameters {
 public:
  static constexpr std::int64_t kAlignment = 16;  // floats in a cache line

  // Moves the values. Every parameter must be fp32, a leaf, and on one device.
  explicit FlatParameters(std::span<const ParameterGroup> groups);

  const std::vector<Slot>& slots() const { return slots_; }
  const std::vector<Segment>& segments() const { return segments_; }
  std::size_t groups() const { return groups_; }
  std::int64_t size() const { return size_; }
  at::Device device() const { return device_; }
  const at::Tensor& values() const { return values_; }

  // Where what follows the matrices begins.
  std::int64_t matrices_end() const { return matrices_end_; }

  // Zeros in this layout, from `begin` on.
  at::Tensor NewBuffer(at::ScalarType type, std::int64_t begin = 0) const;
  // A parameter's part of a buffer that begins there.
  at::Tensor View(const at::Tensor& buffer, const Slot& slot, std::int64_t begin = 0) const;

 private:
  void AddSegment(const ParameterGroup& group, std::size_t index, bool decay, bool matrices);
  void MoveValues();

  std::vector<Slot> slots_;
  std::vector<Segment> segments_;
  std::size_t groups_;
  std::int64_t size_ = 0;
  std::int64_t matrices_end_ = 0;
  at::Device device_{at::kCPU};
  at::Tensor values_;
};

}  // namespace fusor
