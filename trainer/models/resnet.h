#pragma once

// ResNet with basic blocks for 32x32 images: a 3x3 stem without pooling, four groups of `width`,
// 2x, 4x and 8x channels with strides 1, 2, 2, 2, global average pooling and a linear head. Depth
// 18 has two blocks a group, depth 10 one. Tensor names are those of torchvision's ResNet.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trainer/models/builder.h"
#include "trainer/models/layers.h"
#include "trainer/precision/precision.h"

namespace fusor {

struct ResNetOptions {
  int depth = 18;  // 10 or 18
  std::int64_t width = 64;
  std::int64_t classes = 100;
};

struct NetworkOutput {
  at::Tensor features;
  at::Tensor logits;  // fp32
};

class ResNet {
 public:
  ResNet(ModelBuilder& builder, const ResNetOptions& options);

  NetworkOutput Forward(const at::Tensor& images, const Precision& precision, Mode mode) const;

 private:
  struct Shortcut {
    Conv2d conv;
    BatchNorm2d norm;
  };

  struct Block {
    Block(ModelBuilder& builder, const std::string& name, std::int64_t in, std::int64_t out,
          std::int64_t stride);
    at::Tensor Forward(const at::Tensor& input, const Precision& precision, Mode mode) const;

    Conv2d conv1;
    BatchNorm2d norm1;
    Conv2d conv2;
    BatchNorm2d norm2;
    std::optional<Shortcut> shortcut;  // where the shape changes
  };

  static std::vector<Block> MakeBlocks(ModelBuilder& builder, const ResNetOptions& options);

  Conv2d stem_;
  BatchNorm2d stem_norm_;
  std::vector<Block> blocks_;
  Linear head_;
};

}  // namespace fusor
