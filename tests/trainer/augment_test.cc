// Changes of training images: each operation on pixels that can be reckoned by hand, and the rules
// that batches hold. tests/peers compares the operations with torchvision's.

#include "trainer/data/augment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>
#include <stdexcept>

#include "trainer/data/loader.h"
#include "trainer/data/mix.h"
#include "trainer/data/synthetic.h"

namespace fusor {
namespace {

std::uint8_t& At(ImageBytes& image, int channel, int y, int x) {
  return image[static_cast<std::size_t>((channel * kImageSide + y) * kImageSide + x)];
}

// Every byte tells its place.
ImageBytes Numbered() {
  ImageBytes image;
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<std::uint8_t>(1 + i % 251);
  return image;
}

ImageBytes Filled(int red, int green, int blue) {
  ImageBytes image;
  for (std::size_t i = 0; i < kPlaneBytes; ++i) {
    image[i] = static_cast<std::uint8_t>(red);
    image[kPlaneBytes + i] = static_cast<std::uint8_t>(green);
    image[2 * kPlaneBytes + i] = static_cast<std::uint8_t>(blue);
  }
  return image;
}

TEST(ImageOps, MovesComeFromWhereTheySay) {
  ImageBytes old = Numbered();
  ImageBytes image = old;
  TranslateX(image, 3);
  EXPECT_EQ(At(image, 1, 5, 2), 0);
  EXPECT_EQ(At(image, 1, 5, 3), At(old, 1, 5, 0));
  EXPECT_EQ(At(image, 2, 31, 31), At(old, 2, 31, 28));
  image = old;
  TranslateY(image, -2);
  EXPECT_EQ(At(image, 0, 0, 7), At(old, 0, 2, 7));
  EXPECT_EQ(At(image, 0, 30, 7), 0);
  image = old;
  ShearX(image, 0.5);  // the row's centre decides: row 3 comes from 1.75 to the right
  EXPECT_EQ(At(image, 0, 3, 10), At(old, 0, 3, 12));
  EXPECT_EQ(At(image, 0, 31, 31), 0);
  image = old;
  ShearY(image, -0.5);
  EXPECT_EQ(At(image, 0, 20, 3), At(old, 0, 18, 3));
}

TEST(ImageOps, TurnsAreCounterClockwise) {
  ImageBytes old = Numbered();
  ImageBytes image = old;
  Rotate(image, 90);
  for (int i = 0; i < kImageSide; ++i) {
    EXPECT_EQ(At(image, 0, 31 - i, 4), At(old, 0, 4, i)) << i;
  }
  Rotate(image, 270);
  EXPECT_EQ(image, old);
}

TEST(ImageOps, BlendsAreTruncatedAndClipped) {
  ImageBytes image = Filled(100, 200, 7);
  Brightness(image, 1.5);
  EXPECT_EQ(image, Filled(150, 255, 10));
  Brightness(image, 0);
  EXPECT_EQ(image, Filled(0, 0, 0));
  image = Filled(100, 200, 7);
  Colour(image, 0);  // grey is 148: (19595 * 100 + 38470 * 200 + 7471 * 7 + 32768) / 65536
  EXPECT_EQ(image, Filled(148, 148, 148));
  image = Filled(100, 100, 100);
  At(image, 0, 0, 0) = 180;
  Contrast(image, 0);  // the mean grey
  EXPECT_EQ(image, Filled(100, 100, 100));
}

TEST(ImageOps, SharpnessZeroSmoothsAllButTheBorder) {
  ImageBytes image = Filled(0, 0, 0);
  At(image, 0, 10, 10) = 130;
  At(image, 0, 0, 5) = 130;
  Sharpness(image, 0);
  EXPECT_EQ(At(image, 0, 10, 10), 50);  // five 13ths
  EXPECT_EQ(At(image, 0, 9, 11), 10);
  EXPECT_EQ(At(image, 0, 0, 5), 130);
  EXPECT_EQ(At(image, 0, 1, 5), 10);
}

TEST(ImageOps, TablesOfValues) {
  ImageBytes image = Filled(0b10110111, 3, 255);
  Posterize(image, 4);
  EXPECT_EQ(image, Filled(0b10110000, 0, 0b11110000));
  image = Filled(127, 128, 0);
  Solarize(image, 127.5);
  EXPECT_EQ(image, Filled(127, 127, 0));
  image = Filled(50, 9, 9);
  At(image, 0, 0, 0) = 150;
  At(image, 0, 0, 1) = 100;
  AutoContrast(image);
  EXPECT_EQ(At(image, 0, 0, 0), 255);
  EXPECT_EQ(At(image, 0, 0, 1), 127);
  EXPECT_EQ(At(image, 0, 0, 2), 0);
  EXPECT_EQ(At(image, 1, 0, 0), 9);  // a channel of one value stays
}

TEST(ImageOps, EqualizeEvensOut) {
  ImageBytes image = Filled(10, 9, 9);
  for (int x = 0; x < kImageSide; ++x) {
    for (int y = 0; y < 16; ++y) At(image, 0, y, x) = 11;  // half and half
  }
  Equalize(image);  // step 2: the lower half maps to 0, the upper to 256 and is clipped
  EXPECT_EQ(At(image, 0, 20, 0), 0);
  EXPECT_EQ(At(image, 0, 0, 0), 255);
  EXPECT_EQ(At(image, 1, 0, 0), 9);
}

TEST(ImageOps, HueTurnsTheWheel) {
  ImageBytes image = Filled(200, 40, 40);
  Hue(image, 1.0 / 3);
  EXPECT_LT(At(image, 0, 0, 0), 50);
  EXPECT_GT(At(image, 1, 0, 0), 190);
  image = Filled(90, 90, 90);
  Hue(image, 0.4);
  EXPECT_EQ(image, Filled(90, 90, 90));
}

TEST(Policies, StrengthsReachTheirEnds) {
  EXPECT_DOUBLE_EQ(Strength(Operation::kShearX, 30, Policy::kRandAugment), 0.3);
  EXPECT_DOUBLE_EQ(Strength(Operation::kShearX, 30, Policy::kTrivialAugmentWide), 0.99);
  EXPECT_DOUBLE_EQ(Strength(Operation::kRotate, 9, Policy::kRandAugment), 9);
  EXPECT_DOUBLE_EQ(Strength(Operation::kSolarize, 0, Policy::kRandAugment), 255);
  EXPECT_DOUBLE_EQ(Strength(Operation::kSolarize, 30, Policy::kRandAugment), 0);
  EXPECT_DOUBLE_EQ(Strength(Operation::kPosterize, 9, Policy::kRandAugment), 7);
  EXPECT_DOUBLE_EQ(Strength(Operation::kPosterize, 30, Policy::kTrivialAugmentWide), 2);
  EXPECT_TRUE(Signed(Operation::kSharpness));
  EXPECT_FALSE(Signed(Operation::kPosterize));
  EXPECT_FALSE(Signed(Operation::kIdentity));
}

TEST(Policies, WhatIsDrawnDependsOnTheKeyAlone) {
  const ImageBytes image = Numbered();
  for (const Policy policy : {Policy::kRandAugment, Policy::kTrivialAugmentWide}) {
    const Augmenter augmenter({.crop_padding = 4,
                               .flip = true,
                               .jitter = {0.2, 0.2, 0.2, 0.1},
                               .policy = policy,
                               .policy_operations = 3,
                               .policy_magnitude = 14,
                               .erase = 0.3});
    std::set<ImageBytes> seen;
    for (std::uint64_t key = 0; key < 50; ++key) {
      const Augmented once = augmenter.Apply(image.data(), key);
      const Augmented again = augmenter.Apply(image.data(), key);
      EXPECT_EQ(once.image, again.image);
      EXPECT_EQ(once.erased, again.erased);
      seen.insert(once.image);
    }
    EXPECT_GT(seen.size(), 45u);
  }
}

TEST(Erasing, HappensAsOftenAndAsLargeAsItSays) {
  const ImageBytes image = Numbered();
  const Augmenter augmenter({.erase = 0.25});
  int erased = 0;
  for (std::uint64_t key = 0; key < 4000; ++key) {
    const auto box = augmenter.Apply(image.data(), key).erased;
    if (!box) continue;
    ++erased;
    EXPECT_GE(box->top, 0);
    EXPECT_GE(box->left, 0);
    EXPECT_LE(box->bottom, kImageSide);
    EXPECT_LE(box->right, kImageSide);
    const int area = (box->bottom - box->top) * (box->right - box->left);
    EXPECT_GT(area, 0.01 * kPlaneBytes);
    EXPECT_LT(area, 0.37 * kPlaneBytes);
  }
  EXPECT_NEAR(erased, 1000, 110);  // four deviations
}

TEST(Mix, SharesFollowTheirDistribution) {
  Random random(5);
  double sum = 0;
  double squares = 0;
  constexpr int kDraws = 20'000;
  for (int i = 0; i < kDraws; ++i) {
    const double share = DrawBeta(random, 0.2);
    ASSERT_GE(share, 0);
    ASSERT_LE(share, 1);
    sum += share;
    squares += share * share;
  }
  const double mean = sum / kDraws;
  EXPECT_NEAR(mean, 0.5, 0.02);
  // The variance of Beta(a, a) is 1 / (4 (2a + 1)).
  EXPECT_NEAR(squares / kDraws - mean * mean, 1 / (4 * 1.4), 0.01);
}

// The share is what the clipped box leaves, not what was drawn.
TEST(Mix, CutMixCountsThePixels) {
  bool clipped = false;
  for (std::uint64_t key = 0; key < 200; ++key) {
    const MixPlan plan = DrawMix({.cutmix = 1}, key, 4);
    ASSERT_TRUE(plan.box);
    std::vector<float> images(4 * kImageBytes);
    for (std::size_t i = 0; i < images.size(); ++i) {
      images[i] = static_cast<float>(i / kImageBytes);
    }
    ApplyMix(plan, images);
    for (std::size_t image = 0; image < 4; ++image) {
      const auto own =
          std::count(images.begin() + static_cast<std::ptrdiff_t>(image * kImageBytes),
                     images.begin() + static_cast<std::ptrdiff_t>((image + 1) * kImageBytes),
                     static_cast<float>(image));
      const double share = plan.partner[image] == image ? 1 : plan.share;
      EXPECT_DOUBLE_EQ(static_cast<double>(own) / kImageBytes, share);
    }
    const Box& box = *plan.box;
    clipped = clipped || box.bottom - box.top != box.right - box.left;
  }
  EXPECT_TRUE(clipped);
}

TEST(Mix, MixUpAverages) {
  const MixPlan plan = DrawMix({.mixup = 0.4}, 7, 3);
  EXPECT_FALSE(plan.box);
  std::vector<float> images(3 * kImageBytes);
  for (std::size_t i = 0; i < images.size(); ++i) images[i] = static_cast<float>(i / kImageBytes);
  ApplyMix(plan, images);
  for (std::size_t image = 0; image < 3; ++image) {
    const double expected = plan.share * static_cast<double>(image) +
                            (1 - plan.share) * static_cast<double>(plan.partner[image]);
    EXPECT_NEAR(images[image * kImageBytes + 100], expected, 1e-6);
  }
}

TEST(Mix, ACoinChoosesBetweenTheTwo) {
  int cut = 0;
  for (std::uint64_t key = 0; key < 1000; ++key) {
    cut += DrawMix({.mixup = 0.2, .cutmix = 1}, key, 2).box ? 1 : 0;
  }
  EXPECT_NEAR(cut, 500, 64);
}

class PrefetchTest : public ::testing::Test {
 protected:
  PrefetchTest() {
    for (std::uint32_t i = 0; i < 60; ++i) indices_.push_back(i * 2);
  }
  LoaderOptions Options(int threads) {
    return {.seed = 3,
            .batch_size = 7,
            .augment = {.crop_padding = 4,
                        .flip = true,
                        .policy = Policy::kTrivialAugmentWide,
                        .erase = 0.5},
            .mix = {.mixup = 0.2, .cutmix = 1},
            .threads = threads};
  }

  const ImageData data_ = MakeSyntheticImages();
  std::vector<std::uint32_t> indices_;
  Normaliser normaliser_{data_.train, std::vector<std::uint32_t>{0, 1, 2, 3}};
};

TEST_F(PrefetchTest, BatchesAreTheSameForAnyNumberOfThreads) {
  TrainingLoader plain(data_.train, normaliser_, indices_, Options(0));
  for (const int threads : {1, 4, 16}) {
    TrainingLoader ahead(data_.train, normaliser_, indices_, Options(threads));
    // Two epochs, a jump back, a jump ahead.
    for (const std::int64_t begin : {0, 3, 100}) {
      for (std::int64_t step = begin; step < begin + 16; ++step) {
        const ImageBatch a = plain.At(step);
        const ImageBatch b = ahead.At(step);
        ASSERT_TRUE(a.images.equal(b.images)) << threads << " " << step;
        ASSERT_TRUE(a.labels.equal(b.labels));
        ASSERT_TRUE(a.partner_labels.equal(b.partner_labels));
        ASSERT_EQ(a.share, b.share);
      }
    }
  }
}

TEST(Prefetcher, WhatGoesWrongIsThrownAtItsStep) {
  Prefetcher prefetcher(
      [](std::int64_t step) -> ImageBatch {
        if (step == 2) throw std::runtime_error("no memory");
        return {.share = static_cast<double>(step)};
      },
      3);
  EXPECT_EQ(prefetcher.Take(0).share, 0);
  EXPECT_EQ(prefetcher.Take(1).share, 1);
  EXPECT_THROW(prefetcher.Take(2), std::runtime_error);
  EXPECT_EQ(prefetcher.Take(3).share, 3);
}

TEST(Prefetcher, EndsWhileBatchesWait) {
  Prefetcher prefetcher([](std::int64_t step) { return ImageBatch{.share = 1.0 * step}; }, 2);
  EXPECT_EQ(prefetcher.Take(5).share, 5);
}

}  // namespace
}  // namespace fusor
