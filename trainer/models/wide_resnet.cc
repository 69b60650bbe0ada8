#include "trainer/models/wide_resnet.h"

#include "common/base/check.h"

namespace fusor {
namespace {

constexpr int kGroups = 3;
constexpr std::int64_t kColours = 3;
constexpr std::int64_t kStem = 16;

}  // namespace

WideResNet::Block::Block(ModelBuilder& builder, const std::string& name, const ConvShape& first,
                         double drop)
    : norm1(builder, name + ".bn1", first.in),
      conv1(builder, name + ".conv1", first),
      norm2(builder, name + ".bn2", first.out),
      dropout(name + ".dropout", drop),
      conv2(builder, name + ".conv2", {first.out, first.out, 3, 1}) {
  if (first.in == first.out) return;
  shortcut.emplace(builder, name + ".conv_shortcut",
                   ConvShape{first.in, first.out, 1, first.stride});
}

at::Tensor WideResNet::Block::Forward(const at::Tensor& input, const Pass& pass) const {
  at::Tensor active = norm1.ForwardRelu(input, pass);
  at::Tensor inner = norm2.ForwardRelu(conv1.Forward(active, pass), pass);
  inner = conv2.Forward(dropout.Forward(inner, pass), pass);
  return inner.add(shortcut ? shortcut->Forward(active, pass) : input);
}

std::vector<WideResNet::Block> WideResNet::MakeBlocks(ModelBuilder& builder,
                                                      const WideResNetOptions& options) {
  CHECK(options.depth >= 10 && options.depth % 6 == 4);
  std::vector<Block> blocks;
  std::int64_t in = kStem;
  for (int group = 0; group < kGroups; ++group) {
    const std::int64_t out = (kStem << group) * options.width;
    for (std::int64_t block = 0; block < (options.depth - 4) / 6; ++block) {
      const std::string name =
          "block" + std::to_string(group + 1) + ".layer." + std::to_string(block);
      const ConvShape first{in, out, 3, group > 0 && block == 0 ? 2 : 1};
      blocks.emplace_back(builder, name, first, options.dropout);
      in = out;
    }
  }
  return blocks;
}

WideResNet::WideResNet(ModelBuilder& builder, const WideResNetOptions& options)
    : feature_size_((kStem << (kGroups - 1)) * options.width),
      stem_(builder, "conv1", {kColours, kStem, 3, 1}),
      blocks_(MakeBlocks(builder, options)),
      last_norm_(builder, "bn1", feature_size_),
      head_(builder, "fc", feature_size_, options.classes) {}

NetworkOutput WideResNet::Forward(const at::Tensor& images, const Pass& pass) const {
  at::Tensor x = stem_.Forward(images, pass);
  for (const Block& block : blocks_) x = block.Forward(x, pass);
  at::Tensor features = GlobalMean(last_norm_.ForwardRelu(x, pass), pass);
  return {features, head_.Forward(features, pass).to(pass.precision.master())};
}

}  // namespace fusor
