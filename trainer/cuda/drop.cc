// fusor::drop on a GPU; trainer/models/dropout.cc says what it is.

#include <ATen/cuda/CUDAContext.h>
#include <ATen/ops/empty_like.h>
#include <c10/cuda/CUDAException.h>
#include <torch/library.h>

#include "trainer/cuda/drop_kernel.h"

namespace fusor {
namespace {

DropType TypeOf(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kDouble:
      return DropType::kDouble;
    case at::kHalf:
      return DropType::kHalf;
    case at::kBFloat16:
      return DropType::kBFloat16;
    default:
      TORCH_CHECK(tensor.scalar_type() == at::kFloat, "dropout of ", tensor.scalar_type());
      return DropType::kFloat;
  }
}

at::Tensor Drop(const at::Tensor& input, const at::Tensor& base, std::int64_t threshold,
                double scale) {
  // Elements are numbered the same whatever the format, and four dimensions have two that are
  // known.
  const at::MemoryFormat format =
      input.dim() == 4 ? input.suggest_memory_format() : at::MemoryFormat::Contiguous;
  const at::Tensor in = input.contiguous(format);
  at::Tensor out = at::empty_like(in);
  DropCall call{.in = in.const_data_ptr(),
                .out = out.mutable_data_ptr(),
                .type = TypeOf(in),
                .positions = in.numel(),
                .base = base.const_data_ptr<std::int64_t>(),
                .threshold = static_cast<std::uint64_t>(threshold),
                .scale = scale};
  if (format == at::MemoryFormat::ChannelsLast) {
    call.images = in.size(0);
    call.channels = in.size(1);
    call.positions = in.size(2) * in.size(3);
  }
  C10_CUDA_CHECK(LaunchDrop(call, at::cuda::getCurrentCUDAStream()));
  return out;
}

}  // namespace
}  // namespace fusor

TORCH_LIBRARY_IMPL(fusor, CUDA, library) { library.impl("drop", &fusor::Drop); }
