#pragma once

// What a network is made of and what training it takes, found by passing tensors without contents
// through it: no memory is taken and nothing is computed.

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/recipe/network_options.h"
#include "trainer/models/pass.h"

namespace fusor {

struct DescribeOptions {
  NetworkOptions network;
  std::string precision = "fp32";
  std::int64_t batch_size = 128;
  std::int64_t image_size = 32;
  // That the optimiser keeps beside each weight: 1 for momentum, 2 for Adam.
  std::int64_t moments = 1;
};

struct LayerRow {
  std::string name;
  LayerKind kind = LayerKind::kConv;
  ConvShape conv;                 // of a convolution
  std::vector<std::int64_t> in;   // of one image
  std::vector<std::int64_t> out;  // of one image
  std::int64_t parameters = 0;
  std::int64_t multiply_adds = 0;  // of one image
};

// Bytes. What the libraries need for themselves and as scratch memory comes on top.
struct MemoryEstimate {
  std::int64_t weights = 0;  // masters and running statistics
  std::int64_t casts = 0;    // the 16-bit copies that products are taken of
  std::int64_t gradients = 0;
  std::int64_t moments = 0;
  std::int64_t activations = 0;  // what forward keeps for backward, at the batch size

  std::int64_t total() const { return weights + casts + gradients + moments + activations; }
};

struct Description {
  NetworkOptions network;  // complete
  std::vector<LayerRow> layers;
  std::int64_t feature_size = 0;
  std::int64_t parameters = 0;
  std::int64_t multiply_adds = 0;  // of one image forward
  MemoryEstimate memory;
};

Result<Description> Describe(const DescribeOptions& options);

// "conv 3x3/2", "batch norm", ...
std::string LayerKindText(const LayerRow& layer);

}  // namespace fusor
