#include "trainer/models/dropout.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "common/base/check.h"
#include "common/base/random.h"
#include "trainer/models/draw.h"
#include "trainer/models/dropout_keys.h"

namespace fusor {
namespace {

constexpr std::int64_t kRowsPerTask = 64;

struct Draw {
  std::uint64_t key = 0;
  at::Tensor base;  // instead: MixBase(key) on the device
  double probability = 0;
};

// A tensor in memory as images x positions x channels, channels last; a plain one is one image of
// one channel. The element at (image, position, channel) is number
// (image * channels + channel) * positions + position.
struct Walk {
  std::int64_t images = 1;
  std::int64_t positions = 1;
  std::int64_t channels = 1;
};

Walk WalkOf(const at::Tensor& tensor, at::MemoryFormat format) {
  if (format != at::MemoryFormat::ChannelsLast) return {1, tensor.numel(), 1};
  return {tensor.size(0), tensor.size(2) * tensor.size(3), tensor.size(1)};
}

template <class Number>
void Apply(const Number* in, Number* out, const Walk& walk, const Draw& draw) {
  const std::uint64_t threshold = DropThreshold(draw.probability);
  // Scaled in a wide type: 1 / (1 - p) rounded to 16 bits would shift every mean.
  using Wide = std::conditional_t<std::is_same_v<Number, double>, double, float>;
  const Wide scale = static_cast<Wide>(1 / (1 - draw.probability));
  const std::int64_t rows = walk.images * walk.positions;
  at::parallel_for(0, rows, kRowsPerTask, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t image = row / walk.positions;
      const std::int64_t position = row % walk.positions;
      std::int64_t element = image * walk.channels * walk.positions + position;
      const std::int64_t first = row * walk.channels;
      for (std::int64_t i = first; i < first + walk.channels; ++i, element += walk.positions) {
        const bool keep = Mix(draw.key, static_cast<std::uint64_t>(element)) >= threshold;
        out[i] = keep ? static_cast<Number>(static_cast<Wide>(in[i]) * scale) : Number(0);
      }
    }
  });
}

// On a device it is an operator, for which the CUDA plug-in has a kernel; else LibTorch's do it.
at::Tensor DropByOperators(const at::Tensor& input, const at::Tensor& base, std::int64_t threshold,
                           double scale) {
  at::Tensor keep = KeepMask(input.sizes(), base, static_cast<std::uint64_t>(threshold));
  return input.mul(scale).masked_fill_(keep.logical_not_(), 0);
}

at::Tensor DropThere(const at::Tensor& input, const Draw& draw) {
  static const auto drop = c10::Dispatcher::singleton()
                               .findSchemaOrThrow("fusor::drop", "")
                               .typed<decltype(DropByOperators)>();
  at::Tensor base = draw.base;
  if (!base.defined()) {
    const auto key = static_cast<std::int64_t>(MixBase(draw.key));
    base = at::full({}, key, at::TensorOptions(at::kLong).device(input.device()));
  }
  return drop.call(input, base, static_cast<std::int64_t>(DropThreshold(draw.probability)),
                   1 / (1 - draw.probability));
}

at::Tensor Drop(const at::Tensor& input, const Draw& draw) {
  if (input.is_meta()) return at::empty_like(input);
  if (!input.is_cpu() || draw.base.defined()) return DropThere(input, draw);
  const at::MemoryFormat format = input.suggest_memory_format();
  at::Tensor in = input.contiguous(format);
  at::Tensor out = at::empty_like(in);
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kBFloat16, at::kHalf, in.scalar_type(), "dropout", [&] {
    Apply(in.const_data_ptr<scalar_t>(), out.mutable_data_ptr<scalar_t>(), WalkOf(in, format),
          draw);
  });
  return out;
}

// Linear in its input, so backward is the same function of the gradient.
struct DropFunction : torch::autograd::Function<DropFunction> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input,
                            const Draw& draw) {
    context->saved_data["key"] = static_cast<std::int64_t>(draw.key);
    context->saved_data["base"] = draw.base;
    context->saved_data["probability"] = draw.probability;
    return Drop(input, draw);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const Draw draw{.key = static_cast<std::uint64_t>(context->saved_data["key"].toInt()),
                    .base = context->saved_data["base"].toTensor(),
                    .probability = context->saved_data["probability"].toDouble()};
    return {Drop(gradients[0], draw), at::Tensor()};
  }
};

std::int64_t Signed(std::uint64_t word) { return static_cast<std::int64_t>(word); }

// x >> bits without the sign: operators know signed integers alone.
at::Tensor ShiftRight(const at::Tensor& x, std::int64_t bits) {
  return x.bitwise_right_shift(bits).bitwise_and_((std::int64_t{1} << (64 - bits)) - 1);
}

// Mix() of common/base/random.h, operator by operator.
at::Tensor Strides(at::IntArrayRef sizes, at::Device device) {
  std::int64_t count = 1;
  for (const std::int64_t size : sizes) count *= size;
  at::Tensor z = at::arange(count, at::TensorOptions(at::kLong).device(device)).view(sizes);
  return z.mul_(Signed(kMixStride));
}

at::Tensor MaskOf(at::Tensor z, std::uint64_t threshold) {
  z = z.bitwise_xor_(ShiftRight(z, 30)).mul_(Signed(0xbf58476d1ce4e5b9ULL));
  z = z.bitwise_xor_(ShiftRight(z, 27)).mul_(Signed(0x94d049bb133111ebULL));
  z = z.bitwise_xor_(ShiftRight(z, 31));
  // Both signs turned: unsigned order of the words is signed order then.
  constexpr std::int64_t kTurn = std::numeric_limits<std::int64_t>::min();
  return z.bitwise_xor_(kTurn).ge(Signed(threshold) ^ kTurn);
}

}  // namespace

Dropout::Dropout(std::string name, double probability)
    : name_(std::move(name)), probability_(probability) {
  CHECK(probability >= 0 && probability < 1);
}

at::Tensor Dropout::Forward(const at::Tensor& input, const Pass& pass) const {
  if (probability_ == 0 || !pass.trains()) return input;
  const std::uint64_t key = DrawKey(Mix(pass.seed, static_cast<std::uint64_t>(pass.step)), name_);
  Draw draw{.key = key, .base = {}, .probability = probability_};
  if (pass.dropout_keys != nullptr) draw.base = pass.dropout_keys->At(pass.seed, pass.step, name_);
  return DropFunction::apply(input, draw);
}

std::uint64_t DropThreshold(double probability) {
  return static_cast<std::uint64_t>(std::ldexp(probability, 64));
}

at::Tensor KeepMask(at::IntArrayRef sizes, const at::Tensor& base, std::uint64_t threshold) {
  return MaskOf(Strides(sizes, base.device()).add_(base), threshold);
}

}  // namespace fusor

TORCH_LIBRARY(fusor, library) {
  library.def("drop(Tensor input, Tensor base, int threshold, float scale) -> Tensor");
  library.impl("drop", c10::DispatchKey::CompositeExplicitAutograd, &fusor::DropByOperators);
}
