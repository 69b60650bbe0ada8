#pragma once

// Dropout in one pass: the mask is drawn where it is used (common/base/random.h) and never stored.

#include <cuda_runtime_api.h>

#include <cstdint>

namespace fusor {

enum class DropType : std::uint8_t { kFloat, kDouble, kHalf, kBFloat16 };

struct DropCall {
  const void* in = nullptr;
  void* out = nullptr;
  DropType type = DropType::kFloat;
  // In memory: images x positions x channels. The element at (image, position, channel) is number
  // (image * channels + channel) * positions + position.
  std::int64_t images = 1;
  std::int64_t positions = 1;
  std::int64_t channels = 1;
  const std::int64_t* base = nullptr;  // on the device: MixBase(key)
  std::uint64_t threshold = 0;         // draws below it drop their element
  double scale = 1;                    // of what stays
};

cudaError_t LaunchDrop(const DropCall& call, cudaStream_t stream);

}  // namespace fusor
