#include "trainer/data/loader.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "common/base/check.h"
#include "common/base/random.h"
#include "trainer/data/shuffle.h"

namespace fusor {
namespace {

enum class Stream : std::uint64_t { kOrder = 1, kAugment = 2, kMix = 3 };

std::uint64_t Key(std::uint64_t seed, Stream stream, std::int64_t epoch) {
  return Mix(Mix(seed, static_cast<std::uint64_t>(stream)), static_cast<std::uint64_t>(epoch));
}

// Planes of bytes to interleaved floats.
void Write(const std::uint8_t* pixels, const Normaliser& normaliser, float* out) {
  for (std::size_t i = 0; i < kPlaneBytes; ++i) {
    for (int channel = 0; channel < kImageChannels; ++channel) {
      *out++ =
          normaliser.Apply(channel, pixels[static_cast<std::size_t>(channel) * kPlaneBytes + i]);
    }
  }
}

void Erase(const Box& box, float* image) {
  const auto count = static_cast<std::size_t>(box.right - box.left) * kImageChannels;
  for (int row = box.top; row < box.bottom; ++row) {
    std::fill_n(image + (row * kImageSide + box.left) * kImageChannels, count, 0.0F);
  }
}

ImageBatch EmptyBatch(std::size_t count, bool pinned) {
  const auto size = static_cast<std::int64_t>(count);
  const at::TensorOptions options = at::TensorOptions().pinned_memory(pinned);
  return {at::empty({size, kImageChannels, kImageSide, kImageSide},
                    options.dtype(at::kFloat).memory_format(at::MemoryFormat::ChannelsLast)),
          at::empty({size}, options.dtype(at::kLong))};
}

// Of the bytes of one channel.
Normaliser::Channel MomentsOf(const ImageSet& set, std::span<const std::uint32_t> indices,
                              std::size_t channel) {
  std::array<std::uint64_t, 256> histogram{};
  for (const std::uint32_t index : indices) {
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
  const double count = static_cast<double>(std::max<std::size_t>(indices.size(), 1) * kPlaneBytes);
  const double mean = static_cast<double>(sum) / count;
  const double variance = static_cast<double>(squares) / count - mean * mean;
  return {mean, std::sqrt(std::max(variance, 1.0))};
}

}  // namespace

Normaliser::Normaliser(const std::array<Channel, kImageChannels>& channels) : channels_(channels) {
  for (std::size_t channel = 0; channel < kImageChannels; ++channel) {
    const auto& [mean, deviation] = channels_[channel];
    const double scale = 1 / deviation;
    for (std::size_t value = 0; value < 256; ++value) {
      table_[channel][value] = static_cast<float>((static_cast<double>(value) - mean) * scale);
    }
  }
}

Normaliser::Normaliser(const ImageSet& set, std::span<const std::uint32_t> indices)
    : Normaliser([&] {
        std::array<Channel, kImageChannels> channels;
        for (std::size_t channel = 0; channel < kImageChannels; ++channel) {
          channels[channel] = MomentsOf(set, indices, channel);
        }
        return channels;
      }()) {}

std::string Normaliser::ToText() const {
  std::string text;
  for (const auto& [mean, deviation] : channels_) {
    for (const double number : {mean, deviation}) {
      char buffer[32];
      text.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, number).ptr);
      text += ' ';
    }
  }
  text.pop_back();
  return text;
}

Result<Normaliser> Normaliser::FromText(const std::string& text) {
  std::array<Channel, kImageChannels> channels;
  const char* at = text.data();
  const char* end = at + text.size();
  for (Channel& channel : channels) {
    for (double* number : {&channel.mean, &channel.deviation}) {
      while (at != end && *at == ' ') ++at;
      const auto [next, error] = std::from_chars(at, end, *number);
      if (error != std::errc()) return DataLoss("not six numbers: '" + text + "'");
      at = next;
    }
    if (!(channel.deviation > 0)) return DataLoss("a deviation is not above 0: '" + text + "'");
  }
  return Normaliser(channels);
}

TrainingLoader::TrainingLoader(const ImageSet& set, const Normaliser& normaliser,
                               std::vector<std::uint32_t> indices, const LoaderOptions& options)
    : set_(set),
      normaliser_(normaliser),
      indices_(std::move(indices)),
      options_(options),
      augmenter_(options.augment),
      prefetcher_([this](std::int64_t step) { return Make(step); }, options.threads) {
  CHECK(steps_per_epoch() > 0 && options.batch_size % options.parts == 0);
}

std::int64_t TrainingLoader::steps_per_epoch() const {
  return static_cast<std::int64_t>(indices_.size()) / options_.batch_size;
}

std::shared_ptr<const TrainingLoader::Order> TrainingLoader::OrderOf(std::int64_t epoch) {
  std::lock_guard lock(mutex_);
  if (epoch != ordered_epoch_) {
    Order order = indices_;
    Shuffle(order, Key(options_.seed, Stream::kOrder, epoch));
    order_ = std::make_shared<const Order>(std::move(order));
    ordered_epoch_ = epoch;
  }
  return order_;
}

ImageBatch TrainingLoader::Make(std::int64_t micro_step) {
  const std::int64_t step = micro_step / options_.parts;
  const std::int64_t epoch = step / steps_per_epoch();
  const std::shared_ptr<const Order> order = OrderOf(epoch);
  const auto size = static_cast<std::size_t>(options_.batch_size / options_.parts);
  const auto part = static_cast<std::size_t>(micro_step % options_.parts);
  const std::size_t first =
      static_cast<std::size_t>(step % steps_per_epoch() * options_.batch_size) + part * size;
  const std::uint64_t key = Key(options_.seed, Stream::kAugment, epoch);
  ImageBatch batch = EmptyBatch(size, options_.pinned);
  float* images = batch.images.mutable_data_ptr<float>();
  auto* labels = batch.labels.mutable_data_ptr<std::int64_t>();
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint32_t index = (*order)[first + i];
    labels[i] = set_.labels[index];
    const Augmented augmented = augmenter_.Apply(set_.pixels[index], Mix(key, index));
    Write(augmented.image.data(), normaliser_, images + i * kImageBytes);
    if (augmented.erased) Erase(*augmented.erased, images + i * kImageBytes);
  }
  if (options_.mix.any()) {
    const MixPlan plan = DrawMix(options_.mix, Key(options_.seed, Stream::kMix, micro_step), size);
    ApplyMix(plan, std::span(images, size * kImageBytes));
    batch.share = plan.share;
    batch.partner_labels =
        at::empty_like(batch.labels, batch.labels.options().pinned_memory(options_.pinned));
    auto* partners = batch.partner_labels.mutable_data_ptr<std::int64_t>();
    for (std::size_t i = 0; i < size; ++i) partners[i] = labels[plan.partner[i]];
  }
  return batch;
}

ImageBatch PlainBatch(const ImageSet& set, const Normaliser& normaliser,
                      std::span<const std::uint32_t> indices) {
  ImageBatch batch = EmptyBatch(indices.size(), /*pinned=*/false);
  float* images = batch.images.mutable_data_ptr<float>();
  auto* labels = batch.labels.mutable_data_ptr<std::int64_t>();
  for (std::size_t i = 0; i < indices.size(); ++i) {
    labels[i] = set.labels[indices[i]];
    Write(set.pixels[indices[i]], normaliser, images + i * kImageBytes);
  }
  return batch;
}

}  // namespace fusor
