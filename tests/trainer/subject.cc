#include "tests/trainer/subject.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <sstream>

#include "common/base/random.h"
#include "trainer/models/draw.h"

namespace fusor::testing {
namespace {

constexpr std::int64_t kDigestSums = 32;

// In [-1, 1).
double Centred(std::uint64_t key, std::int64_t index) {
  const std::uint64_t word = Mix(key, static_cast<std::uint64_t>(index)) >> 11;
  return 2 * (static_cast<double>(word) * 0x1.0p-53) - 1;
}

at::Tensor Scaled(const std::string& name, at::IntArrayRef shape, double scale, double middle) {
  at::Tensor tensor = at::empty(shape, at::kFloat);
  const std::uint64_t key = DrawKey(0, name);
  float* out = tensor.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    const double value = scale * Centred(key, i);
    out[i] = static_cast<float>(middle + value);
  }
  return tensor;
}

Status SetFusionOption(FusionOptions& options, const std::string& key, const std::string& text) {
  if (key == "fusion") {
    options.type = text;
  } else if (key == "feature_size") {
    options.feature_size = std::stoll(text);
  } else if (key == "experts") {
    options.experts = std::stoll(text);
  } else if (key == "dropout") {
    options.dropout = std::stod(text);
  } else {
    return InvalidArgument("no option " + key);
  }
  return Ok();
}

}  // namespace

Result<std::unique_ptr<Subject>> Subject::Make(const std::string& options,
                                               const Precision& precision) {
  NetworkOptions network;
  FusionOptions fusion;
  const bool is_fusion = options.starts_with("fusion=");
  std::istringstream words(options);
  for (std::string word; words >> word;) {
    const auto equals = word.find('=');
    if (equals == std::string::npos) return InvalidArgument(word);
    const std::string key = word.substr(0, equals);
    const std::string text = word.substr(equals + 1);
    RETURN_IF_ERROR(is_fusion ? SetFusionOption(fusion, key, text) : SetOption(network, key, text));
  }
  auto subject = std::make_unique<Subject>();
  ModelBuilder builder(subject->parameters_, 1, at::kCPU, precision.master());
  if (is_fusion) {
    auto made = MakeFusion(builder, fusion);
    if (!made.ok()) return made.status();
    subject->fusion_ = std::move(*made);
  } else {
    auto made = MakeNetwork(builder, network);
    if (!made.ok()) return made.status();
    subject->network_ = std::move(*made);
  }
  return subject;
}

std::vector<at::Tensor> Subject::Forward(const std::vector<at::Tensor>& inputs,
                                         const Pass& pass) const {
  if (fusion_) return {fusion_->Forward(inputs, pass)};
  NetworkOutput output = network_->Forward(inputs.at(0), pass);
  return {output.logits, output.features};
}

at::Tensor Filled(const std::string& name, at::IntArrayRef shape) {
  if (shape.size() > 1) {
    double fan_in = 1;
    for (const std::int64_t size : shape.slice(1)) fan_in *= static_cast<double>(size);
    return Scaled(name, shape, std::sqrt(6 / fan_in), 0);
  }
  if (name.ends_with("bias") || name.ends_with("running_mean")) return Scaled(name, shape, 0.3, 0);
  return Scaled(name, shape, 0.5, 1);
}

at::Tensor FilledInput(const std::string& name, at::IntArrayRef shape) {
  return Scaled(name, shape, 1.7, 0);
}

at::Tensor Digest(const std::string& name, const at::Tensor& tensor) {
  const at::Tensor plain = tensor.detach().to(at::kDouble).contiguous();
  const double* values = plain.const_data_ptr<double>();
  at::Tensor sums = at::zeros({kDigestSums}, at::kDouble);
  double* out = sums.mutable_data_ptr<double>();
  const std::uint64_t key = DrawKey(1, name);
  for (std::int64_t i = 0; i < plain.numel(); ++i) {
    const bool plus = (Mix(key, static_cast<std::uint64_t>(i)) & 1) == 0;
    out[i % kDigestSums] += plus ? values[i] : -values[i];
  }
  return sums;
}

void Fill(ParameterSet& parameters) {
  for (Parameter& parameter : parameters.trained) {
    parameter.value.detach().copy_(Filled(parameter.name, parameter.value.sizes()));
  }
  for (Buffer& buffer : parameters.buffers) {
    if (buffer.value.scalar_type() == at::kLong) {
      buffer.value.zero_();
    } else {
      buffer.value.copy_(Filled(buffer.name, buffer.value.sizes()));
    }
  }
}

}  // namespace fusor::testing
