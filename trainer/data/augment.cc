#include "trainer/data/augment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace fusor {
namespace {

constexpr double kImageArea = static_cast<double>(kPlaneBytes);

// Of torchvision's RandomErasing.
constexpr int kEraseAttempts = 10;
constexpr double kEraseShareMin = 0.02;
constexpr double kEraseShareMax = 0.33;
constexpr double kEraseRatioMin = 0.3;
constexpr double kEraseRatioMax = 3.3;

double Between(Random& random, double low, double high) {
  return low + (high - low) * random.Unit();
}

// Mirrored at the border, which is not repeated: -1 is 1.
int Mirror(int position) {
  if (position < 0) return -position;
  return position < kImageSide ? position : 2 * (kImageSide - 1) - position;
}

std::optional<Box> DrawErased(double chance, Random& random) {
  if (chance <= 0 || !random.Chance(chance)) return std::nullopt;
  for (int attempt = 0; attempt < kEraseAttempts; ++attempt) {
    const double area = kImageArea * Between(random, kEraseShareMin, kEraseShareMax);
    const double ratio =
        std::exp(Between(random, std::log(kEraseRatioMin), std::log(kEraseRatioMax)));
    const int height = static_cast<int>(std::lround(std::sqrt(area * ratio)));
    const int width = static_cast<int>(std::lround(std::sqrt(area / ratio)));
    if (height >= kImageSide || width >= kImageSide) continue;
    const int top = static_cast<int>(random.Below(static_cast<unsigned>(kImageSide - height + 1)));
    const int left = static_cast<int>(random.Below(static_cast<unsigned>(kImageSide - width + 1)));
    return Box{top, left, top + height, left + width};
  }
  return std::nullopt;
}

void PerformRandomly(Operation operation, int magnitude, Policy policy, Random& random,
                     ImageBytes& image) {
  double strength = Strength(operation, magnitude, policy);
  if (Signed(operation) && random.Below(2) == 1) strength = -strength;
  Perform(operation, strength, image);
}

}  // namespace

bool Signed(Operation operation) {
  return operation >= Operation::kShearX && operation <= Operation::kSharpness;
}

double Strength(Operation operation, int magnitude, Policy policy) {
  const bool wide = policy == Policy::kTrivialAugmentWide;
  const double share = static_cast<double>(magnitude) / (kMagnitudes - 1);
  switch (operation) {
    case Operation::kShearX:
    case Operation::kShearY:
      return share * (wide ? 0.99 : 0.3);
    case Operation::kTranslateX:
    case Operation::kTranslateY:
      return share * (wide ? 32.0 : 150.0 / 331.0 * kImageSide);
    case Operation::kRotate:
      return share * (wide ? 135.0 : 30.0);
    case Operation::kBrightness:
    case Operation::kColour:
    case Operation::kContrast:
    case Operation::kSharpness:
      return share * (wide ? 0.99 : 0.9);
    // Halves go to the even number.
    case Operation::kPosterize:
      return 8 - std::nearbyint(share * (wide ? 6 : 4));
    case Operation::kSolarize:
      return 255 * (1 - share);
    case Operation::kIdentity:
    case Operation::kAutoContrast:
    case Operation::kEqualize:
      return 0;
  }
  return 0;
}

void Perform(Operation operation, double strength, ImageBytes& image) {
  switch (operation) {
    case Operation::kIdentity:
      return;
    case Operation::kShearX:
      return ShearX(image, strength);
    case Operation::kShearY:
      return ShearY(image, strength);
    case Operation::kTranslateX:
      return TranslateX(image, static_cast<int>(strength));
    case Operation::kTranslateY:
      return TranslateY(image, static_cast<int>(strength));
    case Operation::kRotate:
      return Rotate(image, strength);
    case Operation::kBrightness:
      return Brightness(image, 1 + strength);
    case Operation::kColour:
      return Colour(image, 1 + strength);
    case Operation::kContrast:
      return Contrast(image, 1 + strength);
    case Operation::kSharpness:
      return Sharpness(image, 1 + strength);
    case Operation::kPosterize:
      return Posterize(image, static_cast<int>(strength));
    case Operation::kSolarize:
      return Solarize(image, strength);
    case Operation::kAutoContrast:
      return AutoContrast(image);
    case Operation::kEqualize:
      return Equalize(image);
  }
}

Augmented Augmenter::Apply(const std::uint8_t* pixels, std::uint64_t key) const {
  Random random(key);
  Augmented result;
  CropAndFlip(pixels, random, result.image);
  if (options_.jitter.any()) Jitter(result.image, random);
  if (options_.policy == Policy::kRandAugment) {
    for (int i = 0; i < options_.policy_operations; ++i) {
      const auto operation = static_cast<Operation>(random.Below(kOperations));
      PerformRandomly(operation, options_.policy_magnitude, options_.policy, random, result.image);
    }
  } else if (options_.policy == Policy::kTrivialAugmentWide) {
    const auto operation = static_cast<Operation>(random.Below(kOperations));
    const int magnitude = static_cast<int>(random.Below(kMagnitudes));
    PerformRandomly(operation, magnitude, options_.policy, random, result.image);
  }
  result.erased = DrawErased(options_.erase, random);
  return result;
}

void Augmenter::CropAndFlip(const std::uint8_t* pixels, Random& random, ImageBytes& out) const {
  int down = 0;
  int across = 0;
  if (options_.crop_padding > 0) {
    const auto places = static_cast<std::uint64_t>(2 * options_.crop_padding + 1);
    down = static_cast<int>(random.Below(places)) - options_.crop_padding;
    across = static_cast<int>(random.Below(places)) - options_.crop_padding;
  }
  const bool flip = options_.flip && random.Below(2) == 1;
  if (down == 0 && across == 0 && !flip) {
    std::memcpy(out.data(), pixels, kImageBytes);
    return;
  }
  std::array<int, kImageSide> columns;
  for (int i = 0; i < kImageSide; ++i) {
    columns[static_cast<std::size_t>(i)] = Mirror((flip ? kImageSide - 1 - i : i) + across);
  }
  std::uint8_t* to = out.data();
  for (int channel = 0; channel < kImageChannels; ++channel) {
    for (int row = 0; row < kImageSide; ++row) {
      const std::uint8_t* line =
          pixels +
          (static_cast<std::ptrdiff_t>(channel) * kImageSide + Mirror(row + down)) * kImageSide;
      for (int column : columns) *to++ = line[column];
    }
  }
}

void Augmenter::Jitter(ImageBytes& image, Random& random) const {
  const JitterOptions& jitter = options_.jitter;
  std::array<int, 4> order = {0, 1, 2, 3};
  for (std::size_t left = order.size(); left > 1; --left) {
    const std::size_t chosen = random.Below(left);
    std::swap(order[left - 1], order[chosen]);
  }
  auto factor = [&](double range) { return Between(random, std::max(0.0, 1 - range), 1 + range); };
  // All are drawn, in this order, whatever the order in which they are performed.
  const double brightness = factor(jitter.brightness);
  const double contrast = factor(jitter.contrast);
  const double saturation = factor(jitter.saturation);
  const double hue = Between(random, -jitter.hue, jitter.hue);
  for (int which : order) {
    if (which == 0 && jitter.brightness > 0) Brightness(image, brightness);
    if (which == 1 && jitter.contrast > 0) Contrast(image, contrast);
    if (which == 2 && jitter.saturation > 0) Colour(image, saturation);
    if (which == 3 && jitter.hue > 0) Hue(image, hue);
  }
}

}  // namespace fusor
