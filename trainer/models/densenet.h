#pragma once

// DenseNet-BC for 32x32 images: a 3x3 stem without pooling, dense blocks whose layers each see all
// channels before them and add `growth`, transitions that halve channels and size, global average
// pooling and a linear head. Depth 121 has blocks of 6, 12, 24 and 16 layers; depth 6 n + 4 three
// blocks of n (100 with growth 12 is DenseNet-BC-100-12). Tensor names are those of torchvision's
// DenseNet.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trainer/models/dropout.h"
#include "trainer/models/layers.h"
#include "trainer/models/network.h"

namespace fusor {

struct DenseNetOptions {
  std::int64_t depth = 121;  // 121 or 6 n + 4
  std::int64_t growth = 32;
  std::int64_t width = 64;  // channels of the stem
  std::int64_t classes = 100;
  double dropout = 0;
};

class DenseNet final : public Network {
 public:
  DenseNet(ModelBuilder& builder, const DenseNetOptions& options);

  NetworkOutput Forward(const at::Tensor& images, const Pass& pass) const override;
  std::int64_t feature_size() const override { return feature_size_; }

 private:
  // cat(x, dropout(conv2(relu(norm2(conv1(relu(norm1(x))))))))
  struct DenseLayer {
    DenseLayer(ModelBuilder& builder, const std::string& name, std::int64_t in,
               const DenseNetOptions& options);
    at::Tensor Forward(const at::Tensor& input, const Pass& pass) const;

    BatchNorm2d norm1;
    Conv2d conv1;
    BatchNorm2d norm2;
    Conv2d conv2;
    Dropout dropout;
  };

  struct Transition {
    Transition(ModelBuilder& builder, const std::string& name, std::int64_t in);
    at::Tensor Forward(const at::Tensor& input, const Pass& pass) const;

    std::string name;
    BatchNorm2d norm;
    Conv2d conv;
  };

  // A dense block and what leads to the next.
  struct Stage {
    std::vector<DenseLayer> layers;
    std::optional<Transition> transition;  // none after the last block
  };

  static std::vector<Stage> MakeStages(ModelBuilder& builder, const DenseNetOptions& options);

  std::int64_t feature_size_;
  Conv2d stem_;
  BatchNorm2d stem_norm_;
  std::vector<Stage> stages_;
  BatchNorm2d last_norm_;
  Linear head_;
};

}  // namespace fusor
