#include "trainer/models/layers.h"

#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/relu.h>

#include <optional>

#include "trainer/models/fused_norm.h"

namespace fusor {
namespace {

// LibTorch has no operators on the device `meta` for convolutions, batch norms and ReLU outside
// Python: the layers say themselves what shape comes out.

// Those of torch.nn.BatchNorm2d and torch.nn.LayerNorm.
constexpr double kRunningShare = 0.1;
constexpr double kEpsilon = 1e-5;

// Below this, oneDNN's kernels for AVX2 write beyond the gradient of a 1x1 weight: heap corruption
// or an endless loop, seen with LibTorch 2.11.
constexpr std::int64_t kNarrow = 8;

// A 1x1 convolution as the matrix product that it is.
at::Tensor Project(const at::Tensor& input, const at::Tensor& weight, std::int64_t stride) {
  at::Tensor in = input.permute({0, 2, 3, 1});
  if (stride > 1) in = in.slice(1, 0, std::nullopt, stride).slice(2, 0, std::nullopt, stride);
  return at::linear(in, weight.flatten(1)).permute({0, 3, 1, 2});
}

// Only a pass with an observer pays for what it is told.
template <class MakeLayer>
void Tell(const Pass& pass, const at::Tensor& input, const at::Tensor& output,
          const MakeLayer& make) {
  if (pass.observer != nullptr) pass.observer->OnLayer(make(), input, output);
}

}  // namespace

Conv2d::Conv2d(ModelBuilder& builder, const std::string& name, const ConvShape& shape)
    : name_(name),
      shape_(shape),
      weight_(
          builder.ConvWeight(name + ".weight", shape.out, shape.in / shape.groups, shape.kernel)) {}

at::Tensor Conv2d::Forward(const at::Tensor& input, const Pass& pass) const {
  const at::Tensor in = pass.precision.Cast(input);
  const std::int64_t pad = shape_.kernel / 2;
  at::Tensor out;
  if (in.is_meta()) {
    auto outer = [&](std::int64_t size) {
      return (size + 2 * pad - shape_.kernel) / shape_.stride + 1;
    };
    out = in.new_empty({in.size(0), shape_.out, outer(in.size(2)), outer(in.size(3))});
  } else {
    const at::Tensor weight = pass.precision.Cast(weight_);
    const bool narrow = shape_.kernel == 1 && shape_.groups == 1 && shape_.in < kNarrow;
    out = narrow ? Project(in, weight, shape_.stride)
                 : at::conv2d(in, weight, {}, shape_.stride, pad, /*dilation=*/1, shape_.groups);
  }
  Tell(pass, in, out, [&] {
    return Layer{name_, LayerKind::kConv, weight_.numel(),
                 out.numel() * (weight_.numel() / shape_.out), shape_};
  });
  return out;
}

BatchNorm2d::BatchNorm2d(ModelBuilder& builder, const std::string& name, std::int64_t channels)
    : name_(name),
      weight_(builder.Vector(name + ".weight", channels, 1)),
      bias_(builder.Vector(name + ".bias", channels, 0)),
      mean_(builder.Running(name + ".running_mean", channels, 0)),
      variance_(builder.Running(name + ".running_var", channels, 1)),
      batches_(builder.Counter(name + ".num_batches_tracked")) {}

// With an observer every layer is computed by itself, so that it can be told of.
bool BatchNorm2d::Fuses(const at::Tensor& input, const Pass& pass) const {
  return pass.observer == nullptr && FusedNormTakes(input, weight_);
}

at::Tensor BatchNorm2d::Fused(const at::Tensor& input, const at::Tensor& branch, bool relu,
                              const Pass& pass) const {
  const bool train = pass.mode == Mode::kTrain;
  if (train) batches_.add_(1);
  return FusedNorm(
      input, branch, {weight_, bias_, mean_, variance_},
      {.batch_statistics = train, .relu = relu, .share = kRunningShare, .epsilon = kEpsilon});
}

at::Tensor BatchNorm2d::Forward(const at::Tensor& input, const Pass& pass) const {
  if (Fuses(input, pass)) return Fused(input, {}, false, pass);
  const bool train = pass.mode == Mode::kTrain;
  if (train) batches_.add_(1);
  // Takes 16-bit input with fp32 statistics and parameters, and sums in fp32.
  at::Tensor out = input.is_meta()
                       ? at::empty_like(input)
                       : at::batch_norm(input, weight_, bias_, mean_, variance_, train,
                                        kRunningShare, kEpsilon, /*cudnn_enabled=*/true);
  Tell(pass, input, out, [&] {
    return Layer{name_, LayerKind::kBatchNorm, weight_.numel() + bias_.numel(), 0, {}};
  });
  return out;
}

at::Tensor BatchNorm2d::ForwardRelu(const at::Tensor& input, const Pass& pass) const {
  if (Fuses(input, pass)) return Fused(input, {}, true, pass);
  return Relu(Forward(input, pass), name_, pass);
}

at::Tensor BatchNorm2d::ForwardAddRelu(const at::Tensor& input, const at::Tensor& branch,
                                       const Pass& pass) const {
  if (Fuses(input, pass)) return Fused(input, branch, true, pass);
  return Relu(Forward(input, pass).add(branch), name_, pass);
}

Linear::Linear(ModelBuilder& builder, const std::string& name, std::int64_t in, std::int64_t out,
               char separator)
    : name_(name),
      weight_(builder.LinearWeight(name + separator + "weight", out, in)),
      bias_(builder.Vector(name + separator + "bias", out, 0)) {}

at::Tensor Linear::Forward(const at::Tensor& input, const Pass& pass) const {
  const at::Tensor in = pass.precision.Cast(input);
  at::Tensor out = at::linear(in, pass.precision.Cast(weight_), pass.precision.Cast(bias_));
  Tell(pass, in, out, [&] {
    return Layer{name_,
                 LayerKind::kLinear,
                 weight_.numel() + bias_.numel(),
                 out.numel() * weight_.size(1),
                 {}};
  });
  return out;
}

LayerNorm::LayerNorm(ModelBuilder& builder, const std::string& name, std::int64_t size)
    : name_(name),
      weight_(builder.Vector(name + ".weight", size, 1)),
      bias_(builder.Vector(name + ".bias", size, 0)) {}

at::Tensor LayerNorm::Forward(const at::Tensor& input, const Pass& pass) const {
  const at::Tensor in = input.to(pass.precision.master());
  at::Tensor out = at::layer_norm(in, weight_.sizes(), weight_, bias_, kEpsilon);
  Tell(pass, in, out, [&] {
    return Layer{name_, LayerKind::kLayerNorm, weight_.numel() + bias_.numel(), 0, {}};
  });
  return out;
}

at::Tensor Relu(const at::Tensor& input, const std::string& name, const Pass& pass) {
  at::Tensor out = input.is_meta() ? at::empty_like(input) : at::relu(input);
  Tell(pass, input, out, [&] { return Layer{name, LayerKind::kRelu, 0, 0, {}}; });
  return out;
}

at::Tensor HalveByMeans(const at::Tensor& input, const std::string& name, const Pass& pass) {
  at::Tensor out = at::avg_pool2d(input, 2, 2);
  Tell(pass, input, out, [&] { return Layer{name, LayerKind::kPool, 0, 0, {}}; });
  return out;
}

at::Tensor GlobalMean(const at::Tensor& input, const Pass& pass) {
  return input.to(pass.precision.master()).mean({2, 3});
}

}  // namespace fusor
