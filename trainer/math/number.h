#pragma once

// The numbers that kernels read and write, and the types that they compute in.

#include <bit>
#include <cstdint>
#include <type_traits>

#include "trainer/math/clones.h"

namespace fusor {

struct Bf16 {
  std::uint16_t bits;
};

template <class Number>
using Wide = std::conditional_t<std::is_same_v<Number, double>, double, float>;

// a b + c, rounded once.
FUSOR_INLINE float Fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
FUSOR_INLINE double Fma(double a, double b, double c) { return __builtin_fma(a, b, c); }

FUSOR_INLINE float Read(float value) { return value; }
FUSOR_INLINE double Read(double value) { return value; }
FUSOR_INLINE float Read(Bf16 value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16);
}

FUSOR_INLINE void Write(float value, float& out) { out = value; }
FUSOR_INLINE void Write(double value, double& out) { out = value; }
// To nearest, ties to even.
FUSOR_INLINE void Write(float value, Bf16& out) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  const bool nan = (bits & 0x7FFFFFFF) > 0x7F800000;
  out.bits = static_cast<std::uint16_t>(nan ? 0x7FC0 : rounded);
}

}  // namespace fusor
