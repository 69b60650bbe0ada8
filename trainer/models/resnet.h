#pragma once

// ResNet with basic blocks for 32x32 images: a 3x3 stem without pooling, four groups of `width`,
// 2x, 4x and 8x channels with strides 1, 2, 2, 2, global average pooling and a linear head. Depth
// 18 has two blocks a group, depth 10 one. Tensor names are those of torchvision's ResNet.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trainer/models/dropout.h"
#include "trainer/models/layers.h"
#include "trainer/models/network.h"

namespace fusor {

struct ResNetOptions {
  std::int64_t depth = 18;  // 10 or 18
  std::int64_t width = 64;
  std::int64_t classes = 100;
  double dropout = 0;  // between the two convolutions of a block
};

class ResNet final : public Network {
 public:
  ResNet(ModelBuilder& builder, const ResNetOptions& options);

  NetworkOutput Forward(const at::Tensor& images, const Pass& pass) const override;
  std::int64_t feature_size() const override { return feature_size_; }

 private:
  struct Shortcut {
    Conv2d conv;
    BatchNorm2d norm;
  };

  struct Block {
    Block(ModelBuilder& builder, const std::string& name, const ConvShape& first, double drop);
    at::Tensor Forward(const at::Tensor& input, const Pass& pass) const;

    Conv2d conv1;
    BatchNorm2d norm1;
    Dropout dropout;
    Conv2d conv2;
    BatchNorm2d norm2;
    std::optional<Shortcut> shortcut;  // where the shape changes
  };

  static std::vector<Block> MakeBlocks(ModelBuilder& builder, const ResNetOptions& options);

  std::int64_t feature_size_;
  Conv2d stem_;
  BatchNorm2d stem_norm_;
  std::vector<Block> blocks_;
  Linear head_;
};

}  // namespace fusor
