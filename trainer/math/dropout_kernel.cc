#include "trainer/math/dropout_kernel.h"

#include "common/base/random.h"

namespace fusor {
namespace {

template <class Number>
FUSOR_INLINE void DropLoop(const DropRow& row, const Number* __restrict in, Number* __restrict out,
                           std::int64_t count) {
  const auto scale = static_cast<Wide<Number>>(row.scale);
  const std::uint64_t threshold = row.threshold;
  // Mix(key, first + i * stride)
  const std::uint64_t base = MixBase(row.key) + row.first * kMixStride;
  const std::uint64_t stride = row.stride * kMixStride;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint64_t drawn = SplitMix(base + static_cast<std::uint64_t>(i) * stride);
    const Wide<Number> kept = Read(in[i]) * scale;
    Write(drawn >= threshold ? kept : 0, out[i]);
  }
}

}  // namespace

// A template cannot be cloned, a specialisation can.
#define FUSOR_DROP(Number)                                                                  \
  template <>                                                                               \
  FUSOR_CLONES void DropElements<Number>(const DropRow& row, const Number* in, Number* out, \
                                         std::int64_t count) {                              \
    DropLoop(row, in, out, count);                                                          \
  }

FUSOR_DROP(float)
FUSOR_DROP(double)
FUSOR_DROP(Bf16)

}  // namespace fusor
