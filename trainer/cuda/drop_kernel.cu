#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>
#include <limits>

#include "common/base/random.h"
#include "trainer/cuda/drop_kernel.h"

namespace fusor {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kBlocksMax = 1 << 16;

template <class Number>
struct Wide {
  using type = float;
};
template <>
struct Wide<double> {
  using type = double;
};

// Divisions by 64-bit numbers would take longer than the memory does: Index is as small as may be.
template <class Number, class Index>
__global__ void Drop(const Number* in, Number* out, Index count, Index positions, Index channels,
                     const std::int64_t* base, std::uint64_t threshold,
                     typename Wide<Number>::type scale) {
  const auto key = static_cast<std::uint64_t>(*base);
  const auto stride = static_cast<Index>(gridDim.x) * blockDim.x;
  for (Index i = static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
       i += stride) {
    const Index row = i / channels;
    const Index channel = i - row * channels;
    const Index image = row / positions;
    const Index element = (image * channels + channel) * positions + (row - image * positions);
    const bool keep = SplitMix(key + static_cast<std::uint64_t>(element) * kMixStride) >= threshold;
    using Type = typename Wide<Number>::type;
    out[i] =
        keep ? static_cast<Number>(static_cast<Type>(in[i]) * scale) : static_cast<Number>(Type{0});
  }
}

template <class Number, class Index>
void Launch(const DropCall& call, cudaStream_t stream) {
  const std::int64_t count = call.images * call.positions * call.channels;
  const std::int64_t blocks = std::min(kBlocksMax, (count + kThreads - 1) / kThreads);
  Drop<Number, Index><<<static_cast<unsigned>(blocks), kThreads, 0, stream>>>(
      static_cast<const Number*>(call.in), static_cast<Number*>(call.out),
      static_cast<Index>(count), static_cast<Index>(call.positions),
      static_cast<Index>(call.channels), call.base, call.threshold,
      static_cast<typename Wide<Number>::type>(call.scale));
}

template <class Number>
void Launch(const DropCall& call, cudaStream_t stream) {
  // Adding the stride must not overflow either.
  constexpr std::int64_t kSmall = std::numeric_limits<std::uint32_t>::max() - kBlocksMax * kThreads;
  if (call.images * call.positions * call.channels <= kSmall) {
    Launch<Number, std::uint32_t>(call, stream);
  } else {
    Launch<Number, std::uint64_t>(call, stream);
  }
}

}  // namespace

cudaError_t LaunchDrop(const DropCall& call, cudaStream_t stream) {
  if (call.images * call.positions * call.channels == 0) return cudaSuccess;
  switch (call.type) {
    case DropType::kFloat:
      Launch<float>(call, stream);
      break;
    case DropType::kDouble:
      Launch<double>(call, stream);
      break;
    case DropType::kHalf:
      Launch<__half>(call, stream);
      break;
    case DropType::kBFloat16:
      Launch<__nv_bfloat16>(call, stream);
      break;
  }
  return cudaGetLastError();
}

}  // namespace fusor
