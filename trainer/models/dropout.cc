#include "trainer/models/dropout.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "common/base/check.h"
#include "common/base/random.h"
#include "trainer/math/dropout_kernel.h"
#include "trainer/math/parallel.h"
#include "trainer/models/draw.h"
#include "trainer/models/dropout_keys.h"

namespace fusor {
namespace {

constexpr std::int64_t kRowsPerTask = 64;
constexpr std::int64_t kPlainRow = 256;

struct Draw {
  std::uint64_t key = 0;
  at::Tensor base;  // instead: MixBase(key) on the device
  double probability = 0;
};

// Elements are numbered as if the tensor were contiguous, whatever lies next to what in memory: in
// one that is channels last a row is a position's channels, their numbers `positions` apart; a
// plain one is cut into rows.
class Rows {
 public:
  Rows(const at::Tensor& tensor, at::MemoryFormat format) : elements_(tensor.numel()) {
    if (format != at::MemoryFormat::ChannelsLast) return;
    length_ = tensor.size(1);
    positions_ = tensor.size(2) * tensor.size(3);
  }

  std::int64_t count() const { return (elements_ + length_ - 1) / length_; }
  std::int64_t Begin(std::int64_t row) const { return row * length_; }
  std::int64_t Size(std::int64_t row) const { return std::min(length_, elements_ - Begin(row)); }
  // The number of the row's first element, and how far apart they are.
  std::int64_t Number(std::int64_t row) const {
    if (positions_ == 0) return Begin(row);
    return row / positions_ * length_ * positions_ + row % positions_;
  }
  std::int64_t stride() const { return positions_ == 0 ? 1 : positions_; }

 private:
  std::int64_t elements_;
  std::int64_t length_ = kPlainRow;
  std::int64_t positions_ = 0;  // 0: a plain tensor
};

template <class Number>
void Apply(const at::Tensor& in, const at::Tensor& out, const Rows& rows, const Draw& draw) {
  const auto* from = static_cast<const Number*>(in.const_data_ptr());
  auto* to = static_cast<Number*>(out.mutable_data_ptr());
  ParallelFor(rows.count(), kRowsPerTask, [&](std::int64_t begin, std::int64_t end) {
    DropRow drop{.key = draw.key,
                 .threshold = DropThreshold(draw.probability),
                 .scale = 1 / (1 - draw.probability),
                 .stride = static_cast<std::uint64_t>(rows.stride())};
    for (std::int64_t row = begin; row < end; ++row) {
      drop.first = static_cast<std::uint64_t>(rows.Number(row));
      DropElements(drop, from + rows.Begin(row), to + rows.Begin(row), rows.Size(row));
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
  // Elements are numbered the same whatever the format, and four dimensions have two that are
  // known.
  const at::MemoryFormat format =
      input.dim() == 4 ? input.suggest_memory_format() : at::MemoryFormat::Contiguous;
  at::Tensor in = input.contiguous(format);
  at::Tensor out = at::empty_like(in);
  const Rows rows(in, format);
  switch (in.scalar_type()) {
    case at::kFloat:
      Apply<float>(in, out, rows, draw);
      break;
    case at::kDouble:
      Apply<double>(in, out, rows, draw);
      break;
    default:
      CHECK(in.scalar_type() == at::kBFloat16);
      Apply<Bf16>(in, out, rows, draw);
  }
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
