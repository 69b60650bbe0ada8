#pragma once

// Batches for training and evaluation. What a batch holds depends on (seed, step) alone: the order
// of an epoch on (seed, epoch), an image's crop and flip on (seed, epoch, index). Incomplete
// training batches are left out; which images that concerns differs from epoch to epoch.

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "trainer/data/image_set.h"

namespace fusor {

// Brings a byte of each channel to mean 0 and deviation 1 over a set of images.
class Normaliser {
 public:
  Normaliser(const ImageSet& set, std::span<const std::uint32_t> indices);

  float Apply(int channel, std::uint8_t value) const {
    return table_[static_cast<std::size_t>(channel)][value];
  }

 private:
  std::array<std::array<float, 256>, kImageChannels> table_;
};

struct ImageBatch {
  at::Tensor images;  // [n, 3, 32, 32] fp32, channels last
  at::Tensor labels;  // [n] int64
};

struct LoaderOptions {
  std::uint64_t seed = 0;
  std::int64_t batch_size = 1;
  bool augment = false;  // crop after padding by 4 mirrored pixels, and flip
};

class TrainingLoader {
 public:
  // `set` and `normaliser` must outlive the loader.
  TrainingLoader(const ImageSet& set, const Normaliser& normaliser,
                 std::vector<std::uint32_t> indices, const LoaderOptions& options);

  std::int64_t steps_per_epoch() const;
  ImageBatch At(std::int64_t step);

 private:
  void Reorder(std::int64_t epoch);

  const ImageSet& set_;
  const Normaliser& normaliser_;
  const std::vector<std::uint32_t> indices_;
  const LoaderOptions options_;
  std::int64_t ordered_epoch_ = -1;
  std::vector<std::uint32_t> order_;  // of ordered_epoch_
};

// Images as they are, in the order of `indices`.
ImageBatch PlainBatch(const ImageSet& set, const Normaliser& normaliser,
                      std::span<const std::uint32_t> indices);

}  // namespace fusor
