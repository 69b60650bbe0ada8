#include "trainer/math/norm_kernels.h"

#include <algorithm>

#include "trainer/math/clones.h"

namespace fusor {
namespace {

// The row loops take their pointers as arguments: only there does the compiler believe
// `__restrict`.

template <class Number>
FUSOR_INLINE void AddRow(std::int64_t channels, const Number* __restrict x,
                         Wide<Number>* __restrict sum) {
  for (std::int64_t c = 0; c < channels; ++c) sum[c] += Read(x[c]);
}

template <class Number>
FUSOR_INLINE void AddSquaresRow(std::int64_t channels, const Number* __restrict x,
                                const Wide<Number>* __restrict mean,
                                Wide<Number>* __restrict squares) {
  for (std::int64_t c = 0; c < channels; ++c) {
    const Wide<Number> difference = Read(x[c]) - mean[c];
    squares[c] = Fma(difference, difference, squares[c]);
  }
}

template <class Number>
FUSOR_INLINE void Moments(const NormRows& size, const Number* x, Wide<Number>* mean,
                          Wide<Number>* squares) {
  const std::int64_t channels = size.channels;
  const std::int64_t count = size.rows * channels;
  std::fill_n(mean, channels, 0);
  std::fill_n(squares, channels, 0);
  for (std::int64_t first = 0; first < count; first += channels) AddRow(channels, x + first, mean);
  const auto rows = static_cast<Wide<Number>>(size.rows);
  for (std::int64_t c = 0; c < channels; ++c) mean[c] /= rows;
  // Again over what is still in the cache: a difference of large sums would lose a small variance.
  for (std::int64_t first = 0; first < count; first += channels) {
    AddSquaresRow(channels, x + first, mean, squares);
  }
}

template <bool kBranch, bool kRelu, class Number>
FUSOR_INLINE void ForwardRow(std::int64_t channels, const Number* __restrict x,
                             const Number* __restrict branch, const Wide<Number>* __restrict scale,
                             const Wide<Number>* __restrict shift, Number* __restrict y) {
  for (std::int64_t c = 0; c < channels; ++c) {
    Wide<Number> value = Fma(Read(x[c]), scale[c], shift[c]);
    if constexpr (kBranch) value += Read(branch[c]);
    if constexpr (kRelu) value = value < 0 ? 0 : value;
    Write(value, y[c]);
  }
}

template <bool kBranch, bool kRelu, class Number>
FUSOR_INLINE void ForwardLoop(const NormRows& size, const NormForwardRun<Number>& run) {
  const std::int64_t channels = size.channels;
  for (std::int64_t first = 0; first < size.rows * channels; first += channels) {
    ForwardRow<kBranch, kRelu>(channels, run.x + first, kBranch ? run.branch + first : nullptr,
                               run.scale, run.shift, run.y + first);
  }
}

template <class Number>
FUSOR_INLINE void Forward(const NormRows& size, const NormForwardRun<Number>& run) {
  if (run.branch != nullptr) {
    run.relu ? ForwardLoop<true, true>(size, run) : ForwardLoop<true, false>(size, run);
  } else {
    run.relu ? ForwardLoop<false, true>(size, run) : ForwardLoop<false, false>(size, run);
  }
}

template <bool kRelu, class Number>
FUSOR_INLINE void GradientSumsRow(std::int64_t channels, const Number* __restrict gradient,
                                  const Number* __restrict y, const Number* __restrict x,
                                  const Wide<Number>* __restrict mean, Wide<Number>* __restrict sum,
                                  Wide<Number>* __restrict products) {
  for (std::int64_t c = 0; c < channels; ++c) {
    Wide<Number> g = Read(gradient[c]);
    if constexpr (kRelu) g = Read(y[c]) <= 0 ? 0 : g;  // as LibTorch's: it passes where y is NaN
    sum[c] += g;
    products[c] = Fma(g, Read(x[c]) - mean[c], products[c]);
  }
}

template <bool kRelu, class Number>
FUSOR_INLINE void GradientSumsLoop(const NormRows& size, const NormGradient<Number>& run,
                                   Wide<Number>* sum, Wide<Number>* products) {
  const std::int64_t channels = size.channels;
  for (std::int64_t first = 0; first < size.rows * channels; first += channels) {
    GradientSumsRow<kRelu>(channels, run.gradient + first, kRelu ? run.y + first : nullptr,
                           run.x + first, run.mean, sum, products);
  }
}

template <class Number>
FUSOR_INLINE void GradientSums(const NormRows& size, const NormGradient<Number>& run,
                               Wide<Number>* __restrict sum, Wide<Number>* __restrict products) {
  run.y != nullptr ? GradientSumsLoop<true>(size, run, sum, products)
                   : GradientSumsLoop<false>(size, run, sum, products);
}

template <bool kRelu, bool kBranch, class Number>
FUSOR_INLINE void BackwardRow(std::int64_t channels, const Number* __restrict gradient,
                              const Number* __restrict y, const Number* __restrict x,
                              const Wide<Number>* __restrict mean,
                              const Wide<Number>* __restrict scale,
                              const Wide<Number>* __restrict slope,
                              const Wide<Number>* __restrict shift, Number* __restrict dx,
                              Number* __restrict branch) {
  for (std::int64_t c = 0; c < channels; ++c) {
    Wide<Number> g = Read(gradient[c]);
    if constexpr (kRelu) g = Read(y[c]) <= 0 ? 0 : g;  // as LibTorch's: it passes where y is NaN
    Write(Fma(g, scale[c], Fma(Read(x[c]) - mean[c], slope[c], shift[c])), dx[c]);
    if constexpr (kBranch) Write(g, branch[c]);
  }
}

template <bool kRelu, bool kBranch, class Number>
FUSOR_INLINE void BackwardLoop(const NormRows& size, const NormBackwardRun<Number>& run) {
  const std::int64_t channels = size.channels;
  const NormGradient<Number>& at = run.at;
  for (std::int64_t first = 0; first < size.rows * channels; first += channels) {
    BackwardRow<kRelu, kBranch>(channels, at.gradient + first, kRelu ? at.y + first : nullptr,
                                at.x + first, at.mean, run.scale, run.slope, run.shift,
                                run.dx + first, kBranch ? run.branch + first : nullptr);
  }
}

template <class Number>
FUSOR_INLINE void Backward(const NormRows& size, const NormBackwardRun<Number>& run) {
  if (run.branch != nullptr) {
    run.at.y != nullptr ? BackwardLoop<true, true>(size, run)
                        : BackwardLoop<false, true>(size, run);
  } else {
    run.at.y != nullptr ? BackwardLoop<true, false>(size, run)
                        : BackwardLoop<false, false>(size, run);
  }
}

}  // namespace

// A template cannot be cloned, a specialisation can.
#define FUSOR_NORM_KERNELS(Number)                                                                 \
  template <>                                                                                      \
  FUSOR_CLONES void NormMoments<Number>(const NormRows& size, const Number* x, Wide<Number>* mean, \
                                        Wide<Number>* squares) {                                   \
    Moments(size, x, mean, squares);                                                               \
  }                                                                                                \
  template <>                                                                                      \
  FUSOR_CLONES void NormForward<Number>(const NormRows& size, const NormForwardRun<Number>& run) { \
    Forward(size, run);                                                                            \
  }                                                                                                \
  template <>                                                                                      \
  FUSOR_CLONES void NormGradientSums<Number>(const NormRows& size,                                 \
                                             const NormGradient<Number>& run, Wide<Number>* sum,   \
                                             Wide<Number>* products) {                             \
    GradientSums(size, run, sum, products);                                                        \
  }                                                                                                \
  template <>                                                                                      \
  FUSOR_CLONES void NormBackward<Number>(const NormRows& size,                                     \
                                         const NormBackwardRun<Number>& run) {                     \
    Backward(size, run);                                                                           \
  }

FUSOR_NORM_KERNELS(float)
FUSOR_NORM_KERNELS(double)
FUSOR_NORM_KERNELS(Bf16)

}  // namespace fusor
