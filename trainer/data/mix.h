#pragma once

// MixUp and CutMix: each image of a batch is mixed with a partner of the same batch, and the loss
// is  share * loss(own label) + (1 - share) * loss(partner's label).  What is drawn depends on the
// key alone.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/base/random.h"
#include "trainer/data/augment.h"

namespace fusor {

struct MixOptions {
  double mixup = 0;   // alpha: shares are drawn from Beta(alpha, alpha); 0: never
  double cutmix = 0;  // likewise; with both above 0 a coin decides for each batch

  bool any() const { return mixup > 0 || cutmix > 0; }
};

struct MixPlan {
  double share = 1;        // of the own label; with a box exactly what the clipped box leaves
  std::optional<Box> box;  // cut in from the partner; else the images are averaged
  std::vector<std::uint32_t> partner;  // by place in the batch: a permutation
};

MixPlan DrawMix(const MixOptions& options, std::uint64_t key, std::size_t batch_size);

// Mixes a batch of images of interleaved channels, in place.
void ApplyMix(const MixPlan& plan, std::span<float> images);

// From Beta(alpha, alpha).
double DrawBeta(Random& random, double alpha);

}  // namespace fusor
