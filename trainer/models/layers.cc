#include "trainer/models/layers.h"

#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/linear.h>

#include <optional>

namespace fusor {
namespace {

// Those of torch.nn.BatchNorm2d.
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

}  // namespace

Conv2d::Conv2d(ModelBuilder& builder, const std::string& name, const ConvShape& shape)
    : shape_(shape),
      weight_(builder.ConvWeight(name + ".weight", shape.out, shape.in, shape.kernel)) {}

at::Tensor Conv2d::Forward(const at::Tensor& input, const Precision& precision) const {
  const at::Tensor in = precision.Cast(input);
  const at::Tensor weight = precision.Cast(weight_);
  if (shape_.kernel == 1 && shape_.in < kNarrow) return Project(in, weight, shape_.stride);
  return at::conv2d(in, weight, {}, shape_.stride, shape_.kernel / 2);
}

BatchNorm2d::BatchNorm2d(ModelBuilder& builder, const std::string& name, std::int64_t channels)
    : weight_(builder.Vector(name + ".weight", channels, 1)),
      bias_(builder.Vector(name + ".bias", channels, 0)),
      mean_(builder.Running(name + ".running_mean", channels, 0)),
      variance_(builder.Running(name + ".running_var", channels, 1)),
      batches_(builder.Counter(name + ".num_batches_tracked")) {}

at::Tensor BatchNorm2d::Forward(const at::Tensor& input, Mode mode) const {
  const bool train = mode == Mode::kTrain;
  if (train) batches_.add_(1);
  // Takes 16-bit input with fp32 statistics and parameters, and sums in fp32.
  return at::batch_norm(input, weight_, bias_, mean_, variance_, train, kRunningShare, kEpsilon,
                        /*cudnn_enabled=*/true);
}

Linear::Linear(ModelBuilder& builder, const std::string& name, std::int64_t in, std::int64_t out)
    : weight_(builder.LinearWeight(name + ".weight", out, in)),
      bias_(builder.Vector(name + ".bias", out, 0)) {}

at::Tensor Linear::Forward(const at::Tensor& input, const Precision& precision) const {
  return at::linear(precision.Cast(input), precision.Cast(weight_), precision.Cast(bias_));
}

}  // namespace fusor
