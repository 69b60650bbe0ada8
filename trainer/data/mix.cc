#include "trainer/data/mix.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "common/base/check.h"

namespace fusor {
namespace {

constexpr std::size_t kRowFloats = std::size_t{kImageSide} * kImageChannels;

double DrawNormal(Random& random) {
  const double first = random.Unit();
  const double second = random.Unit();
  return std::sqrt(-2 * std::log(1 - first)) * std::cos(2 * std::numbers::pi * second);
}

// Marsaglia and Tsang's method, with their step from shape + 1 for shapes below 1.
double DrawGamma(Random& random, double shape) {
  double boost = 1;
  if (shape < 1) {
    boost = std::pow(1 - random.Unit(), 1 / shape);
    shape += 1;
  }
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  while (true) {
    const double normal = DrawNormal(random);
    const double root = 1 + c * normal;
    if (root <= 0) continue;
    const double v = root * root * root;
    const double uniform = 1 - random.Unit();
    if (std::log(uniform) < 0.5 * normal * normal + d * (1 - v + std::log(v))) {
      return boost * d * v;
    }
  }
}

// A box of `1 - share` of the area around a random pixel, clipped to the image.
Box DrawBox(Random& random, double share) {
  const int side = static_cast<int>(kImageSide * std::sqrt(1 - share));
  const int x = static_cast<int>(random.Below(kImageSide));
  const int y = static_cast<int>(random.Below(kImageSide));
  const int half = side / 2;
  return {std::max(y - half, 0), std::max(x - half, 0), std::min(y + half, kImageSide),
          std::min(x + half, kImageSide)};
}

void Paste(const Box& box, const float* from, float* to) {
  const auto begin = static_cast<std::size_t>(box.left) * kImageChannels;
  const auto end = static_cast<std::size_t>(box.right) * kImageChannels;
  for (int row = box.top; row < box.bottom; ++row) {
    const std::size_t line = static_cast<std::size_t>(row) * kRowFloats;
    std::copy(from + line + begin, from + line + end, to + line + begin);
  }
}

}  // namespace

double DrawBeta(Random& random, double alpha) {
  const double first = DrawGamma(random, alpha);
  const double second = DrawGamma(random, alpha);
  // Tiny shapes may give two zeros: then it is one end or the other.
  return first + second > 0 ? first / (first + second) : static_cast<double>(random.Below(2));
}

MixPlan DrawMix(const MixOptions& options, std::uint64_t key, std::size_t batch_size) {
  CHECK(options.any());
  Random random(key);
  MixPlan plan;
  bool cut = options.cutmix > 0;
  if (cut && options.mixup > 0) cut = random.Below(2) == 1;
  plan.share = DrawBeta(random, cut ? options.cutmix : options.mixup);
  if (cut) {
    plan.box = DrawBox(random, plan.share);
    const int area = (plan.box->bottom - plan.box->top) * (plan.box->right - plan.box->left);
    plan.share = 1 - static_cast<double>(area) / kPlaneBytes;
  }
  plan.partner.resize(batch_size);
  for (std::uint32_t i = 0; i < batch_size; ++i) plan.partner[i] = i;
  for (std::size_t left = batch_size; left > 1; --left) {
    const std::size_t chosen = random.Below(left);
    std::swap(plan.partner[left - 1], plan.partner[chosen]);
  }
  return plan;
}

void ApplyMix(const MixPlan& plan, std::span<float> images) {
  CHECK(images.size() == plan.partner.size() * kImageBytes);
  const std::vector<float> old(images.begin(), images.end());
  const auto share = static_cast<float>(plan.share);
  for (std::size_t i = 0; i < plan.partner.size(); ++i) {
    float* to = images.data() + i * kImageBytes;
    const float* from = old.data() + plan.partner[i] * kImageBytes;
    if (plan.box) {
      Paste(*plan.box, from, to);
      continue;
    }
    for (std::size_t k = 0; k < kImageBytes; ++k) to[k] = share * to[k] + (1 - share) * from[k];
  }
}

}  // namespace fusor
