#include "trainer/models/resnet.h"

#include "common/base/check.h"

namespace fusor {
namespace {

constexpr int kGroups = 4;
constexpr std::int64_t kColours = 3;

int BlocksPerGroup(std::int64_t depth) {
  CHECK(depth == 10 || depth == 18);
  return depth == 18 ? 2 : 1;
}

}  // namespace

ResNet::Block::Block(ModelBuilder& builder, const std::string& name, const ConvShape& first,
                     double drop)
    : conv1(builder, name + ".conv1", first),
      norm1(builder, name + ".bn1", first.out),
      dropout(name + ".dropout", drop),
      conv2(builder, name + ".conv2", {first.out, first.out, 3, 1}),
      norm2(builder, name + ".bn2", first.out) {
  if (first.stride == 1 && first.in == first.out) return;
  shortcut.emplace(
      Shortcut{Conv2d(builder, name + ".downsample.0", {first.in, first.out, 1, first.stride}),
               BatchNorm2d(builder, name + ".downsample.1", first.out)});
}

at::Tensor ResNet::Block::Forward(const at::Tensor& input, const Pass& pass) const {
  at::Tensor inner = norm1.ForwardRelu(conv1.Forward(input, pass), pass);
  inner = conv2.Forward(dropout.Forward(inner, pass), pass);
  at::Tensor around =
      shortcut ? shortcut->norm.Forward(shortcut->conv.Forward(input, pass), pass) : input;
  return norm2.ForwardAddRelu(inner, around, pass);
}

std::vector<ResNet::Block> ResNet::MakeBlocks(ModelBuilder& builder, const ResNetOptions& options) {
  std::vector<Block> blocks;
  std::int64_t in = options.width;
  for (int group = 0; group < kGroups; ++group) {
    const std::int64_t out = options.width << group;
    for (int block = 0; block < BlocksPerGroup(options.depth); ++block) {
      const std::string name = "layer" + std::to_string(group + 1) + "." + std::to_string(block);
      const ConvShape first{in, out, 3, group > 0 && block == 0 ? 2 : 1};
      blocks.emplace_back(builder, name, first, options.dropout);
      in = out;
    }
  }
  return blocks;
}

ResNet::ResNet(ModelBuilder& builder, const ResNetOptions& options)
    : feature_size_(options.width << (kGroups - 1)),
      stem_(builder, "conv1", {kColours, options.width, 3, 1}),
      stem_norm_(builder, "bn1", options.width),
      blocks_(MakeBlocks(builder, options)),
      head_(builder, "fc", feature_size_, options.classes) {}

NetworkOutput ResNet::Forward(const at::Tensor& images, const Pass& pass) const {
  at::Tensor x = stem_norm_.ForwardRelu(stem_.Forward(images, pass), pass);
  for (const Block& block : blocks_) x = block.Forward(x, pass);
  at::Tensor features = GlobalMean(x, pass);
  return {features, head_.Forward(features, pass).to(pass.precision.master())};
}

}  // namespace fusor
