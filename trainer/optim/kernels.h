#pragma once

// The element-wise arithmetic of the optimisers on a CPU, one pass over one run of memory. Every
// operation is a single correctly rounded one and products are added by fused multiply-add exactly
// where it is written, so results are equal for every instruction set and every way of cutting the
// run up. Pointers may not overlap.

#include <cstdint>

namespace fusor {

// v = momentum v + g;  w -= rate (nesterov ? g + momentum v : v), with g = scale * gradient + decay
// w, in the same bits as LibTorch's fused step. `moment` may be null when momentum is 0.
struct SgdFactors {
  float scale = 1;
  float decay = 0;
  float momentum = 0;
  bool nesterov = false;
  float rate = 0;
};
void SgdUpdate(const SgdFactors& factors, float* value, float* moment, const float* gradient,
               std::int64_t count);

// m += (1 - beta1) (g - m);  v = beta2 v + (1 - beta2) g^2
// w = keep w - rate m / (sqrt(v) root + epsilon), with g = scale * gradient + decay w
struct AdamFactors {
  float scale = 1;
  float decay = 0;  // Adam's, part of the gradient
  float keep = 1;   // AdamW's: 1 - rate * decay
  float one_minus_beta1 = 0;
  float beta2 = 0;
  float one_minus_beta2 = 0;
  float rate = 0;  // divided by the first moment's bias
  float root = 1;  // one over the root of the second moment's bias
  float epsilon = 0;
};
void AdamUpdate(const AdamFactors& factors, float* value, float* mean, float* square,
                const float* gradient, std::int64_t count);

// w = keep w - rate sign(beta1 m + (1 - beta1) g);  m = beta2 m + (1 - beta2) g
struct LionFactors {
  float scale = 1;
  float keep = 1;
  float beta1 = 0;
  float one_minus_beta1 = 0;
  float beta2 = 0;
  float one_minus_beta2 = 0;
  float rate = 0;
};
void LionUpdate(const LionFactors& factors, float* value, float* mean, const float* gradient,
                std::int64_t count);

// m += (1 - momentum) (g - m);  update = nesterov ? m - (1 - momentum) (m - g) : m
struct MuonFactors {
  float scale = 1;
  float one_minus_momentum = 0;
  bool nesterov = false;
};
void MuonMomentum(const MuonFactors& factors, float* mean, float* update, const float* gradient,
                  std::int64_t count);

// Rounded to nearest, ties to even; the same bits as LibTorch's conversion.
void ToBfloat16(const float* values, std::uint16_t* out, std::int64_t count);

// In double, where no square of a float overflows: finite exactly when every value is.
double SumOfSquares(const float* values, std::int64_t count);

}  // namespace fusor
