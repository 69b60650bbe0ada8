#pragma once

// How a model is run over a batch: everything that does not belong to the model itself. Passed by
// reference through every layer.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "trainer/precision/precision.h"

namespace fusor {

enum class Mode : std::uint8_t {
  kTrain,     // norms use the batch's statistics and keep running ones; dropout is on
  kFrozen,    // trained with the running statistics as they are; dropout is on
  kEvaluate,  // running statistics, no dropout
};

enum class LayerKind : std::uint8_t {
  kConv,
  kBatchNorm,
  kRelu,
  kLinear,
  kLayerNorm,
  kPool,
  kSoftmax,
  kMatMul,
};

struct ConvShape {
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t kernel = 3;
  std::int64_t stride = 1;
  std::int64_t groups = 1;
};

struct Layer {
  std::string name;  // that its tensors' names begin with
  LayerKind kind = LayerKind::kConv;
  std::int64_t parameters = 0;
  std::int64_t multiply_adds = 0;  // of products, for the whole batch
  ConvShape conv = {};             // of a convolution
};

// Sees every layer as it is computed.
class LayerObserver {
 public:
  virtual ~LayerObserver() = default;
  // `input` is in the type that the layer computes in.
  virtual void OnLayer(const Layer& layer, const at::Tensor& input, const at::Tensor& output) = 0;
};

class DropoutKeys;

struct Pass {
  Precision precision;
  Mode mode = Mode::kEvaluate;
  // Dropout draws from (seed, step, layer, element) alone.
  std::uint64_t seed = 0;
  std::int64_t step = 0;
  DropoutKeys* dropout_keys = nullptr;  // those draws then, with keys that lie on the device
  LayerObserver* observer = nullptr;

  bool trains() const { return mode != Mode::kEvaluate; }
};

}  // namespace fusor
