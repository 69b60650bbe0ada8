#pragma once

// Wide ResNet for 32x32 images, WRN-depth-width: a 3x3 stem of 16 channels, three groups of 16, 32
// and 64 times `width` channels with strides 1, 2, 2 and (depth - 4) / 6 pre-activation blocks
// each, a last norm, global average pooling and a linear head.
//
//   block:  y = relu(bn1(x));  z = conv2(dropout(relu(bn2(conv1(y)))));  z + x
//   where the channels change:  z + conv_shortcut(y)

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trainer/models/dropout.h"
#include "trainer/models/layers.h"
#include "trainer/models/network.h"

namespace fusor {

struct WideResNetOptions {
  std::int64_t depth = 28;  // 6 n + 4
  std::int64_t width = 10;
  std::int64_t classes = 100;
  double dropout = 0.3;
};

class WideResNet final : public Network {
 public:
  WideResNet(ModelBuilder& builder, const WideResNetOptions& options);

  NetworkOutput Forward(const at::Tensor& images, const Pass& pass) const override;
  std::int64_t feature_size() const override { return feature_size_; }

 private:
  struct Block {
    Block(ModelBuilder& builder, const std::string& name, const ConvShape& first, double drop);
    at::Tensor Forward(const at::Tensor& input, const Pass& pass) const;

    BatchNorm2d norm1;
    Conv2d conv1;
    BatchNorm2d norm2;
    Dropout dropout;
    Conv2d conv2;
    std::optional<Conv2d> shortcut;
  };

  static std::vector<Block> MakeBlocks(ModelBuilder& builder, const WideResNetOptions& options);

  std::int64_t feature_size_;
  Conv2d stem_;
  std::vector<Block> blocks_;
  BatchNorm2d last_norm_;
  Linear head_;
};

}  // namespace fusor
