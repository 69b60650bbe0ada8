#include "trainer/models/resnet.h"

#include <ATen/ops/relu.h>

#include "common/base/check.h"

namespace fusor {
namespace {

constexpr int kGroups = 4;
constexpr std::int64_t kColours = 3;

int BlocksPerGroup(int depth) {
  CHECK(depth == 10 || depth == 18);
  return depth == 18 ? 2 : 1;
}

}  // namespace

ResNet::Block::Block(ModelBuilder& builder, const std::string& name, std::int64_t in,
                     std::int64_t out, std::int64_t stride)
    : conv1(builder, name + ".conv1", {in, out, 3, stride}),
      norm1(builder, name + ".bn1", out),
      conv2(builder, name + ".conv2", {out, out, 3, 1}),
      norm2(builder, name + ".bn2", out) {
  if (stride == 1 && in == out) return;
  shortcut.emplace(Shortcut{Conv2d(builder, name + ".downsample.0", {in, out, 1, stride}),
                            BatchNorm2d(builder, name + ".downsample.1", out)});
}

at::Tensor ResNet::Block::Forward(const at::Tensor& input, const Precision& precision,
                                  Mode mode) const {
  at::Tensor inner = at::relu(norm1.Forward(conv1.Forward(input, precision), mode));
  inner = norm2.Forward(conv2.Forward(inner, precision), mode);
  at::Tensor around =
      shortcut ? shortcut->norm.Forward(shortcut->conv.Forward(input, precision), mode) : input;
  return at::relu(inner.add(around));
}

std::vector<ResNet::Block> ResNet::MakeBlocks(ModelBuilder& builder, const ResNetOptions& options) {
  std::vector<Block> blocks;
  std::int64_t in = options.width;
  for (int group = 0; group < kGroups; ++group) {
    const std::int64_t out = options.width << group;
    for (int block = 0; block < BlocksPerGroup(options.depth); ++block) {
      const std::string name = "layer" + std::to_string(group + 1) + "." + std::to_string(block);
      blocks.emplace_back(builder, name, in, out, group > 0 && block == 0 ? 2 : 1);
      in = out;
    }
  }
  return blocks;
}

ResNet::ResNet(ModelBuilder& builder, const ResNetOptions& options)
    : stem_(builder, "conv1", {kColours, options.width, 3, 1}),
      stem_norm_(builder, "bn1", options.width),
      blocks_(MakeBlocks(builder, options)),
      head_(builder, "fc", options.width << (kGroups - 1), options.classes) {}

NetworkOutput ResNet::Forward(const at::Tensor& images, const Precision& precision,
                              Mode mode) const {
  at::Tensor x = at::relu(stem_norm_.Forward(stem_.Forward(images, precision), mode));
  for (const Block& block : blocks_) x = block.Forward(x, precision, mode);
  // Averages in fp32: sums of 16-bit numbers would lose what the norms kept.
  at::Tensor features = x.to(at::kFloat).mean({2, 3});
  return {features, head_.Forward(features, precision).to(at::kFloat)};
}

}  // namespace fusor
