#pragma once

// Batches for training and evaluation. What a batch holds depends on (seed, step) alone: the order
// of an epoch on (seed, epoch), an image's changes on (seed, epoch, index), how a batch is mixed on
// (seed, step). Incomplete training batches are left out; which images that concerns differs from
// epoch to epoch.

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "trainer/data/augment.h"
#include "trainer/data/image_batch.h"
#include "trainer/data/image_set.h"
#include "trainer/data/mix.h"
#include "trainer/data/prefetcher.h"

namespace fusor {

// Brings a byte of each channel to mean 0 and deviation 1 over a set of images.
class Normaliser {
 public:
  struct Channel {
    double mean = 0;
    double deviation = 1;
  };

  Normaliser(const ImageSet& set, std::span<const std::uint32_t> indices);

  // Six numbers: the mean and the deviation of each channel's bytes.
  std::string ToText() const;
  static Result<Normaliser> FromText(const std::string& text);

  float Apply(int channel, std::uint8_t value) const {
    return table_[static_cast<std::size_t>(channel)][value];
  }

 private:
  explicit Normaliser(const std::array<Channel, kImageChannels>& channels);

  std::array<Channel, kImageChannels> channels_;
  std::array<std::array<float, 256>, kImageChannels> table_;
};

struct LoaderOptions {
  std::uint64_t seed = 0;
  std::int64_t batch_size = 1;  // of a step
  std::int64_t parts = 1;       // in which a step's batch is handed out; divides batch_size
  AugmentOptions augment;
  MixOptions mix;
  bool pinned = false;  // in memory that a GPU reads by itself
  int threads = 0;      // that make batches ahead; 0: the training thread makes them itself
};

class TrainingLoader {
 public:
  // `set` and `normaliser` must outlive the loader.
  TrainingLoader(const ImageSet& set, const Normaliser& normaliser,
                 std::vector<std::uint32_t> indices, const LoaderOptions& options);

  std::int64_t steps_per_epoch() const;
  // Part `part` of a step's batch. Images are mixed within a part.
  ImageBatch At(std::int64_t step, std::int64_t part = 0) {
    return prefetcher_.Take(step * options_.parts + part);
  }

 private:
  using Order = std::vector<std::uint32_t>;

  ImageBatch Make(std::int64_t micro_step);
  // Shared by the threads that are making batches of the epoch.
  std::shared_ptr<const Order> OrderOf(std::int64_t epoch);

  // Constant after construction.
  const ImageSet& set_;
  const Normaliser& normaliser_;
  const Order indices_;
  const LoaderOptions options_;
  const Augmenter augmenter_;

  // Guarded by mutex_.
  std::mutex mutex_;
  std::int64_t ordered_epoch_ = -1;
  std::shared_ptr<const Order> order_;  // of ordered_epoch_

  Prefetcher prefetcher_;  // last: its threads end before the rest goes
};

// Images as they are, in the order of `indices`.
ImageBatch PlainBatch(const ImageSet& set, const Normaliser& normaliser,
                      std::span<const std::uint32_t> indices);

}  // namespace fusor
