#include "trainer/models/builder.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <numbers>

#include "common/base/random.h"
#include "trainer/models/draw.h"

namespace fusor {
namespace {

double Unit(std::uint64_t draw) { return static_cast<double>(draw >> 11) * 0x1.0p-53; }

// Box-Muller; each pair of draws gives two values.
void FillNormal(at::Tensor& tensor, std::uint64_t key, double deviation) {
  float* out = tensor.mutable_data_ptr<float>();
  const auto count = static_cast<std::uint64_t>(tensor.numel());
  for (std::uint64_t i = 0; i < count; i += 2) {
    // 1 - u lies in (0, 1], where the logarithm is finite.
    const double radius = deviation * std::sqrt(-2 * std::log(1 - Unit(Mix(key, i))));
    const double angle = 2 * std::numbers::pi * Unit(Mix(key, i + 1));
    out[i] = static_cast<float>(radius * std::cos(angle));
    if (i + 1 < count) out[i + 1] = static_cast<float>(radius * std::sin(angle));
  }
}

void FillUniform(at::Tensor& tensor, std::uint64_t key, double bound) {
  float* out = tensor.mutable_data_ptr<float>();
  const auto count = static_cast<std::uint64_t>(tensor.numel());
  for (std::uint64_t i = 0; i < count; ++i) {
    out[i] = static_cast<float>(bound * (2 * Unit(Mix(key, i)) - 1));
  }
}

}  // namespace

at::Tensor ModelBuilder::Trained(const std::string& name, const at::Tensor& value, bool decay) {
  at::Tensor parameter = value.to(device_, master_).requires_grad_();
  parameters_.trained.push_back({name, parameter, decay});
  return parameter;
}

at::Tensor ModelBuilder::ConvWeight(const std::string& name, std::int64_t out, std::int64_t in,
                                    std::int64_t size) {
  at::Tensor weight = at::empty({out, in, size, size}, at::kFloat);
  if (!device_.is_meta()) {
    FillNormal(weight, DrawKey(seed_, name),
               std::sqrt(2.0 / static_cast<double>(out * size * size)));
  }
  return Trained(name, weight.contiguous(at::MemoryFormat::ChannelsLast), true);
}

at::Tensor ModelBuilder::LinearWeight(const std::string& name, std::int64_t out, std::int64_t in) {
  at::Tensor weight = at::empty({out, in}, at::kFloat);
  if (!device_.is_meta()) {
    FillUniform(weight, DrawKey(seed_, name), std::sqrt(6.0 / static_cast<double>(in + out)));
  }
  return Trained(name, weight, true);
}

at::Tensor ModelBuilder::Vector(const std::string& name, std::int64_t size, double value) {
  return Trained(name, at::full({size}, value, at::kFloat), false);
}

at::Tensor ModelBuilder::Running(const std::string& name, std::int64_t size, double value) {
  at::Tensor tensor = at::full({size}, value, at::TensorOptions(master_).device(device_));
  parameters_.buffers.push_back({name, tensor});
  return tensor;
}

at::Tensor ModelBuilder::Counter(const std::string& name) {
  at::Tensor tensor = at::zeros({}, at::TensorOptions(at::kLong).device(device_));
  parameters_.buffers.push_back({name, tensor});
  return tensor;
}

}  // namespace fusor
