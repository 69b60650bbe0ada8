#include "trainer/data/loader.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>

#include "common/base/check.h"
#include "common/base/random.h"
#include "trainer/data/shuffle.h"

namespace fusor {
namespace {

constexpr int kPadding = 4;

enum class Stream : std::uint64_t { kOrder = 1, kAugment = 2 };

std::uint64_t Key(std::uint64_t seed, Stream stream, std::int64_t epoch) {
  return Mix(Mix(seed, static_cast<std::uint64_t>(stream)), static_cast<std::uint64_t>(epoch));
}

// Where the pixels of a crop come from, per coordinate.
struct Window {
  std::array<int, kImageSide> rows;
  std::array<int, kImageSide> columns;
};

// Mirrored at the border, which is not repeated: -1 is 1.
int Mirror(int position) {
  if (position < 0) return -position;
  return position < kImageSide ? position : 2 * (kImageSide - 1) - position;
}

Window Whole() {
  Window window;
  for (int i = 0; i < kImageSide; ++i) {
    window.rows[static_cast<std::size_t>(i)] = i;
    window.columns[static_cast<std::size_t>(i)] = i;
  }
  return window;
}

Window RandomWindow(std::uint64_t key) {
  Random random(key);
  const int down = static_cast<int>(random.Below(2 * kPadding + 1)) - kPadding;
  const int across = static_cast<int>(random.Below(2 * kPadding + 1)) - kPadding;
  const bool flip = random.Below(2) == 1;
  Window window;
  for (int i = 0; i < kImageSide; ++i) {
    window.rows[static_cast<std::size_t>(i)] = Mirror(i + down);
    window.columns[static_cast<std::size_t>(i)] = Mirror((flip ? kImageSide - 1 - i : i) + across);
  }
  return window;
}

// Planes of bytes to interleaved floats.
float* Write(const std::uint8_t* pixels, const Normaliser& normaliser, const Window& window,
             float* out) {
  for (int row : window.rows) {
    const std::uint8_t* line = pixels + row * kImageSide;
    for (int column : window.columns) {
      for (int channel = 0; channel < kImageChannels; ++channel) {
        *out++ = normaliser.Apply(channel, line[static_cast<std::size_t>(channel) * kPlaneBytes +
                                                static_cast<std::size_t>(column)]);
      }
    }
  }
  return out;
}

ImageBatch EmptyBatch(std::size_t count) {
  const auto size = static_cast<std::int64_t>(count);
  return {at::empty({size, kImageChannels, kImageSide, kImageSide},
                    at::TensorOptions(at::kFloat).memory_format(at::MemoryFormat::ChannelsLast)),
          at::empty({size}, at::kLong)};
}

}  // namespace

Normaliser::Normaliser(const ImageSet& set, std::span<const std::uint32_t> indices) {
  for (std::size_t channel = 0; channel < kImageChannels; ++channel) {
    std::array<std::uint64_t, 256> histogram{};
    for (std::uint32_t index : indices) {
      const std::uint8_t* plane = set.pixels[index] + channel * kPlaneBytes;
      for (std::size_t i = 0; i < kPlaneBytes; ++i) ++histogram[plane[i]];
    }
    // Whole numbers, so that the order of the images does not matter.
    std::uint64_t sum = 0;
    std::uint64_t squares = 0;
    for (std::size_t value = 0; value < 256; ++value) {
      sum += value * histogram[value];
      squares += value * value * histogram[value];
    }
    const double count =
        static_cast<double>(std::max<std::size_t>(indices.size(), 1) * kPlaneBytes);
    const double mean = static_cast<double>(sum) / count;
    const double variance = static_cast<double>(squares) / count - mean * mean;
    const double scale = 1 / std::sqrt(std::max(variance, 1.0));
    for (std::size_t value = 0; value < 256; ++value) {
      table_[channel][value] = static_cast<float>((static_cast<double>(value) - mean) * scale);
    }
  }
}

TrainingLoader::TrainingLoader(const ImageSet& set, const Normaliser& normaliser,
                               std::vector<std::uint32_t> indices, const LoaderOptions& options)
    : set_(set), normaliser_(normaliser), indices_(std::move(indices)), options_(options) {
  CHECK(steps_per_epoch() > 0);
}

std::int64_t TrainingLoader::steps_per_epoch() const {
  return static_cast<std::int64_t>(indices_.size()) / options_.batch_size;
}

void TrainingLoader::Reorder(std::int64_t epoch) {
  if (epoch == ordered_epoch_) return;
  order_ = indices_;
  Shuffle(order_, Key(options_.seed, Stream::kOrder, epoch));
  ordered_epoch_ = epoch;
}

ImageBatch TrainingLoader::At(std::int64_t step) {
  const std::int64_t epoch = step / steps_per_epoch();
  Reorder(epoch);
  const auto size = static_cast<std::size_t>(options_.batch_size);
  const std::size_t first = static_cast<std::size_t>(step % steps_per_epoch()) * size;
  const std::uint64_t key = Key(options_.seed, Stream::kAugment, epoch);
  ImageBatch batch = EmptyBatch(size);
  float* out = batch.images.mutable_data_ptr<float>();
  auto* labels = batch.labels.mutable_data_ptr<std::int64_t>();
  const Window whole = Whole();
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint32_t index = order_[first + i];
    labels[i] = set_.labels[index];
    out = Write(set_.pixels[index], normaliser_,
                options_.augment ? RandomWindow(Mix(key, index)) : whole, out);
  }
  return batch;
}

ImageBatch PlainBatch(const ImageSet& set, const Normaliser& normaliser,
                      std::span<const std::uint32_t> indices) {
  ImageBatch batch = EmptyBatch(indices.size());
  float* out = batch.images.mutable_data_ptr<float>();
  auto* labels = batch.labels.mutable_data_ptr<std::int64_t>();
  const Window whole = Whole();
  for (std::size_t i = 0; i < indices.size(); ++i) {
    labels[i] = set.labels[indices[i]];
    out = Write(set.pixels[indices[i]], normaliser, whole, out);
  }
  return batch;
}

}  // namespace fusor
