#pragma once

// The arithmetic of a batch norm on a CPU with what follows it, sum and ReLU, in one pass over
// memory that is [rows, channels]. 16-bit numbers are computed with in fp32 and rounded once.
// Products are added by fused multiply-add exactly where it is written and rows are summed in their
// order, so results are equal for every instruction set. Pointers may not overlap.

#include <cstdint>

#include "trainer/math/number.h"

namespace fusor {

// Rows of one length, of which a kernel sees some.
struct NormRows {
  std::int64_t rows = 0;
  std::int64_t channels = 0;
};

// The mean of each channel, and the sum of the squares of what its values differ from it.
template <class Number>
void NormMoments(const NormRows& size, const Number* x, Wide<Number>* mean, Wide<Number>* squares);

// y = scale x + shift [+ branch], and its ReLU where `relu`. NaN stays NaN.
template <class Number>
struct NormForwardRun {
  const Number* x = nullptr;
  const Number* branch = nullptr;  // null: none
  const Wide<Number>* scale = nullptr;
  const Wide<Number>* shift = nullptr;
  bool relu = false;
  Number* y = nullptr;
};
template <class Number>
void NormForward(const NormRows& size, const NormForwardRun<Number>& run);

// g is the gradient where y > 0, or all of it where `y` is null: no ReLU.
template <class Number>
struct NormGradient {
  const Number* gradient = nullptr;
  const Number* y = nullptr;
  const Number* x = nullptr;
  const Wide<Number>* mean = nullptr;
};

// sum += g;  products += g (x - mean)
template <class Number>
void NormGradientSums(const NormRows& size, const NormGradient<Number>& run, Wide<Number>* sum,
                      Wide<Number>* products);

// dx = scale g + slope (x - mean) + shift;  branch = g
template <class Number>
struct NormBackwardRun {
  NormGradient<Number> at;
  const Wide<Number>* scale = nullptr;
  const Wide<Number>* slope = nullptr;
  const Wide<Number>* shift = nullptr;
  Number* dx = nullptr;
  Number* branch = nullptr;  // null: none
};
template <class Number>
void NormBackward(const NormRows& size, const NormBackwardRun<Number>& run);

}  // namespace fusor
