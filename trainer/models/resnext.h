#pragma once

// ResNeXt for 32x32 images, ResNeXt-depth cardinality x width d: a 3x3 stem of `width` channels,
// three groups with strides 1, 2, 2 and (depth - 2) / 9 bottleneck blocks each, global average
// pooling and a linear head. A block of group g narrows to cardinality x width x 2^g channels, of
// which each of `cardinality` convolution groups has its share, and widens to 4 x width x 2^g.
// Tensor names are those of torchvision's ResNeXt; the last norm of pre-activation is `bn`.
//
//   pre-activation:  conv3(relu(bn3(dropout(conv2(relu(bn2(conv1(relu(bn1(x)))))))))
//                      + downsample.0(x), no norm after the stem, one before the pooling
//   else:            relu(bn3(conv3(dropout(relu(bn2(conv2(relu(bn1(conv1(x)))))))))
//                      + downsample.1(downsample.0(x)))

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trainer/models/dropout.h"
#include "trainer/models/layers.h"
#include "trainer/models/network.h"

namespace fusor {

struct ResNextOptions {
  std::int64_t depth = 29;  // 9 n + 2
  std::int64_t width = 64;
  std::int64_t cardinality = 8;
  std::int64_t classes = 100;
  bool preactivation = true;
  double dropout = 0.3;
};

class ResNext final : public Network {
 public:
  ResNext(ModelBuilder& builder, const ResNextOptions& options);

  NetworkOutput Forward(const at::Tensor& images, const Pass& pass) const override;
  std::int64_t feature_size() const override { return feature_size_; }

 private:
  struct BlockShape {
    std::int64_t in = 0;
    std::int64_t inner = 0;
    std::int64_t out = 0;
    std::int64_t stride = 1;
  };

  // The order of members is the order in which their tensors are declared.
  struct Block {
    Block(ModelBuilder& builder, const std::string& name, const BlockShape& shape,
          const ResNextOptions& options);
    at::Tensor Forward(const at::Tensor& input, const Pass& pass) const;
    at::Tensor ForwardPreactivated(const at::Tensor& input, const Pass& pass) const;

    bool preactivation;
    Conv2d conv1;
    BatchNorm2d norm1;
    Conv2d conv2;
    BatchNorm2d norm2;
    Dropout dropout;
    Conv2d conv3;
    BatchNorm2d norm3;
    std::optional<Conv2d> shortcut;  // where the shape changes
    std::optional<BatchNorm2d> shortcut_norm;
  };

  static std::vector<Block> MakeBlocks(ModelBuilder& builder, const ResNextOptions& options);

  std::int64_t feature_size_;
  bool preactivation_;
  Conv2d stem_;
  std::optional<BatchNorm2d> stem_norm_;
  std::vector<Block> blocks_;
  std::optional<BatchNorm2d> last_norm_;
  Linear head_;
};

}  // namespace fusor
