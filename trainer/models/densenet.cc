#include "trainer/models/densenet.h"

#include <ATen/ops/cat.h>

#include "common/base/check.h"

namespace fusor {
namespace {

constexpr std::int64_t kColours = 3;
constexpr std::int64_t kBottleneck = 4;

std::vector<std::int64_t> LayersPerBlock(std::int64_t depth) {
  if (depth == 121) return {6, 12, 24, 16};
  CHECK(depth >= 10 && depth % 6 == 4);
  return std::vector<std::int64_t>(3, (depth - 4) / 6);
}

// Those of the last block's output.
std::int64_t LastChannels(const DenseNetOptions& options) {
  const std::vector<std::int64_t> counts = LayersPerBlock(options.depth);
  std::int64_t channels = options.width;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    channels = (i == 0 ? channels : channels / 2) + counts[i] * options.growth;
  }
  return channels;
}

// Torchvision's numbers begin with 1.
std::string Numbered(const std::string& name, std::size_t index) {
  return name + std::to_string(index + 1);
}

}  // namespace

DenseNet::DenseLayer::DenseLayer(ModelBuilder& builder, const std::string& name, std::int64_t in,
                                 const DenseNetOptions& options)
    : norm1(builder, name + ".norm1", in),
      conv1(builder, name + ".conv1", {in, kBottleneck * options.growth, 1, 1}),
      norm2(builder, name + ".norm2", kBottleneck * options.growth),
      conv2(builder, name + ".conv2", {kBottleneck * options.growth, options.growth, 3, 1}),
      dropout(name + ".dropout", options.dropout) {}

at::Tensor DenseNet::DenseLayer::Forward(const at::Tensor& input, const Pass& pass) const {
  at::Tensor fresh = conv1.Forward(norm1.ForwardRelu(input, pass), pass);
  fresh = conv2.Forward(norm2.ForwardRelu(fresh, pass), pass);
  return at::cat({input, dropout.Forward(fresh, pass)}, 1);
}

DenseNet::Transition::Transition(ModelBuilder& builder, const std::string& given_name,
                                 std::int64_t in)
    : name(given_name),
      norm(builder, name + ".norm", in),
      conv(builder, name + ".conv", {in, in / 2, 1, 1}) {}

at::Tensor DenseNet::Transition::Forward(const at::Tensor& input, const Pass& pass) const {
  return HalveByMeans(conv.Forward(norm.ForwardRelu(input, pass), pass), name + ".pool", pass);
}

std::vector<DenseNet::Stage> DenseNet::MakeStages(ModelBuilder& builder,
                                                  const DenseNetOptions& options) {
  std::vector<Stage> stages;
  std::int64_t channels = options.width;
  for (const std::int64_t count : LayersPerBlock(options.depth)) {
    if (!stages.empty()) {
      const std::string name = Numbered("features.transition", stages.size() - 1);
      stages.back().transition.emplace(builder, name, channels);
      channels /= 2;
    }
    const std::string block = Numbered("features.denseblock", stages.size());
    Stage& stage = stages.emplace_back();
    for (std::int64_t i = 0; i < count; ++i, channels += options.growth) {
      const std::string name = Numbered(block + ".denselayer", static_cast<std::size_t>(i));
      stage.layers.emplace_back(builder, name, channels, options);
    }
  }
  return stages;
}

DenseNet::DenseNet(ModelBuilder& builder, const DenseNetOptions& options)
    : feature_size_(LastChannels(options)),
      stem_(builder, "features.conv0", {kColours, options.width, 3, 1}),
      stem_norm_(builder, "features.norm0", options.width),
      stages_(MakeStages(builder, options)),
      last_norm_(builder, "features.norm5", feature_size_),
      head_(builder, "classifier", feature_size_, options.classes) {}

NetworkOutput DenseNet::Forward(const at::Tensor& images, const Pass& pass) const {
  at::Tensor x = stem_norm_.ForwardRelu(stem_.Forward(images, pass), pass);
  for (const Stage& stage : stages_) {
    for (const DenseLayer& layer : stage.layers) x = layer.Forward(x, pass);
    if (stage.transition) x = stage.transition->Forward(x, pass);
  }
  at::Tensor features = GlobalMean(last_norm_.ForwardRelu(x, pass), pass);
  return {features, head_.Forward(features, pass).to(pass.precision.master())};
}

}  // namespace fusor
