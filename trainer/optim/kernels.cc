#include "trainer/optim/kernels.h"

#include <cmath>

#include "trainer/math/clones.h"
#include "trainer/math/number.h"

namespace fusor {
namespace {

template <bool kMomentum, bool kDecay>
FUSOR_INLINE void SgdLoop(const SgdFactors& f, float* __restrict value, float* __restrict moment,
                          const float* __restrict gradient, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    float g = f.scale * gradient[i];
    if constexpr (kDecay) g = Fma(value[i], f.decay, g);
    float step = g;
    if constexpr (kMomentum) {
      const float v = moment[i] * f.momentum + g;  // rounded twice, as LibTorch's fused step is
      moment[i] = v;
      step = f.nesterov ? Fma(v, f.momentum, g) : v;
    }
    value[i] = Fma(step, -f.rate, value[i]);
  }
}

}  // namespace

FUSOR_CLONES
void SgdUpdate(const SgdFactors& factors, float* value, float* moment, const float* gradient,
               std::int64_t count) {
  // A copy cannot change under the loop.
  const SgdFactors f = factors;
  if (f.momentum != 0) {
    f.decay != 0 ? SgdLoop<true, true>(f, value, moment, gradient, count)
                 : SgdLoop<true, false>(f, value, moment, gradient, count);
  } else {
    f.decay != 0 ? SgdLoop<false, true>(f, value, moment, gradient, count)
                 : SgdLoop<false, false>(f, value, moment, gradient, count);
  }
}

FUSOR_CLONES
void AdamUpdate(const AdamFactors& factors, float* __restrict value, float* __restrict mean,
                float* __restrict square, const float* __restrict gradient, std::int64_t count) {
  const AdamFactors f = factors;
  for (std::int64_t i = 0; i < count; ++i) {
    const float w = value[i];
    const float g = Fma(w, f.decay, f.scale * gradient[i]);
    const float m = Fma(f.one_minus_beta1, g - mean[i], mean[i]);
    const float v = Fma(f.one_minus_beta2 * g, g, f.beta2 * square[i]);
    mean[i] = m;
    square[i] = v;
    const float denominator = Fma(std::sqrt(v), f.root, f.epsilon);
    value[i] = Fma(-f.rate, m / denominator, f.keep * w);
  }
}

FUSOR_CLONES
void LionUpdate(const LionFactors& factors, float* __restrict value, float* __restrict mean,
                const float* __restrict gradient, std::int64_t count) {
  const LionFactors f = factors;
  for (std::int64_t i = 0; i < count; ++i) {
    const float g = f.scale * gradient[i];
    const float direction = Fma(f.beta1, mean[i], f.one_minus_beta1 * g);
    const float sign = (direction > 0 ? 1.0F : 0.0F) - (direction < 0 ? 1.0F : 0.0F);
    mean[i] = Fma(f.beta2, mean[i], f.one_minus_beta2 * g);
    value[i] = Fma(-f.rate, sign, f.keep * value[i]);
  }
}

FUSOR_CLONES
void MuonMomentum(const MuonFactors& factors, float* __restrict mean, float* __restrict update,
                  const float* __restrict gradient, std::int64_t count) {
  const MuonFactors f = factors;
  const float blend = f.nesterov ? f.one_minus_momentum : 0.0F;
  for (std::int64_t i = 0; i < count; ++i) {
    const float g = f.scale * gradient[i];
    const float m = Fma(f.one_minus_momentum, g - mean[i], mean[i]);
    mean[i] = m;
    update[i] = Fma(blend, g - m, m);
  }
}

FUSOR_CLONES
void ToBfloat16(const float* __restrict values, std::uint16_t* __restrict out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    Bf16 rounded;
    Write(values[i], rounded);
    out[i] = rounded.bits;
  }
}

FUSOR_CLONES
double SumOfSquares(const float* values, std::int64_t count) {
  constexpr int kLanes = 16;
  double lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      const double value = values[i + lane];
      lanes[lane] += value * value;
    }
  }
  for (int lane = 0; i < count; ++i, ++lane) {
    const double value = values[i];
    lanes[lane] += value * value;
  }
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

}  // namespace fusor
