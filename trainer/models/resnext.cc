#include "trainer/models/resnext.h"

#include "common/base/check.h"

namespace fusor {
namespace {

constexpr int kGroups = 3;
constexpr std::int64_t kColours = 3;
constexpr std::int64_t kExpansion = 4;

}  // namespace

ResNext::Block::Block(ModelBuilder& builder, const std::string& name, const BlockShape& shape,
                      const ResNextOptions& options)
    : preactivation(options.preactivation),
      conv1(builder, name + ".conv1", {shape.in, shape.inner, 1, 1}),
      norm1(builder, name + ".bn1", preactivation ? shape.in : shape.inner),
      conv2(builder, name + ".conv2",
            {shape.inner, shape.inner, 3, shape.stride, options.cardinality}),
      norm2(builder, name + ".bn2", shape.inner),
      dropout(name + ".dropout", options.dropout),
      conv3(builder, name + ".conv3", {shape.inner, shape.out, 1, 1}),
      norm3(builder, name + ".bn3", preactivation ? shape.inner : shape.out) {
  if (shape.stride == 1 && shape.in == shape.out) return;
  shortcut.emplace(builder, name + ".downsample.0",
                   ConvShape{shape.in, shape.out, 1, shape.stride});
  if (!preactivation) shortcut_norm.emplace(builder, name + ".downsample.1", shape.out);
}

at::Tensor ResNext::Block::Forward(const at::Tensor& input, const Pass& pass) const {
  if (preactivation) return ForwardPreactivated(input, pass);
  at::Tensor inner = norm1.ForwardRelu(conv1.Forward(input, pass), pass);
  inner = norm2.ForwardRelu(conv2.Forward(inner, pass), pass);
  inner = conv3.Forward(dropout.Forward(inner, pass), pass);
  at::Tensor around =
      shortcut ? shortcut_norm->Forward(shortcut->Forward(input, pass), pass) : input;
  return norm3.ForwardAddRelu(inner, around, pass);
}

at::Tensor ResNext::Block::ForwardPreactivated(const at::Tensor& input, const Pass& pass) const {
  at::Tensor inner = conv1.Forward(norm1.ForwardRelu(input, pass), pass);
  inner = conv2.Forward(norm2.ForwardRelu(inner, pass), pass);
  inner = conv3.Forward(norm3.ForwardRelu(dropout.Forward(inner, pass), pass), pass);
  return inner.add(shortcut ? shortcut->Forward(input, pass) : input);
}

std::vector<ResNext::Block> ResNext::MakeBlocks(ModelBuilder& builder,
                                                const ResNextOptions& options) {
  CHECK(options.depth >= 11 && options.depth % 9 == 2);
  std::vector<Block> blocks;
  BlockShape shape{.in = options.width};
  for (int group = 0; group < kGroups; ++group) {
    shape.inner = options.cardinality * (options.width << group);
    shape.out = kExpansion * (options.width << group);
    for (std::int64_t block = 0; block < (options.depth - 2) / 9; ++block) {
      shape.stride = group > 0 && block == 0 ? 2 : 1;
      const std::string name = "layer" + std::to_string(group + 1) + "." + std::to_string(block);
      blocks.emplace_back(builder, name, shape, options);
      shape.in = shape.out;
    }
  }
  return blocks;
}

ResNext::ResNext(ModelBuilder& builder, const ResNextOptions& options)
    : feature_size_(kExpansion * (options.width << (kGroups - 1))),
      preactivation_(options.preactivation),
      stem_(builder, "conv1", {kColours, options.width, 3, 1}),
      stem_norm_(preactivation_ ? std::optional<BatchNorm2d>()
                                : BatchNorm2d(builder, "bn1", options.width)),
      blocks_(MakeBlocks(builder, options)),
      last_norm_(preactivation_ ? std::optional(BatchNorm2d(builder, "bn", feature_size_))
                                : std::nullopt),
      head_(builder, "fc", feature_size_, options.classes) {}

NetworkOutput ResNext::Forward(const at::Tensor& images, const Pass& pass) const {
  at::Tensor x = stem_.Forward(images, pass);
  if (stem_norm_) x = stem_norm_->ForwardRelu(x, pass);
  for (const Block& block : blocks_) x = block.Forward(x, pass);
  if (last_norm_) x = last_norm_->ForwardRelu(x, pass);
  at::Tensor features = GlobalMean(x, pass);
  return {features, head_.Forward(features, pass).to(pass.precision.master())};
}

}  // namespace fusor
