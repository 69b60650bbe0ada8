// Losses and scores against plain arithmetic.

#include "trainer/recipes/classify.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace fusor {
namespace {

using Rows = std::vector<std::vector<double>>;

at::Tensor Tensor(const Rows& rows) {
  std::vector<double> flat;
  for (const auto& row : rows) flat.insert(flat.end(), row.begin(), row.end());
  return at::tensor(flat).view({static_cast<std::int64_t>(rows.size()), -1}).to(at::kFloat);
}

// The cross entropy of one row with a smoothed label: the label has 1 - e, all classes share e.
double Loss(const std::vector<double>& logits, std::int64_t label, double smoothing) {
  double sum = 0;
  for (const double logit : logits) sum += std::exp(logit);
  double loss = 0;
  for (std::size_t c = 0; c < logits.size(); ++c) {
    const double share = smoothing / static_cast<double>(logits.size()) +
                         (static_cast<std::int64_t>(c) == label ? 1 - smoothing : 0);
    loss -= share * (logits[c] - std::log(sum));
  }
  return loss;
}

const Rows kLogits = {{0.5, -1, 2}, {1, 1.5, -0.5}, {-2, 0, 0.25}};
const std::vector<std::int64_t> kOwn = {2, 0, 1};
const std::vector<std::int64_t> kOther = {0, 1, 2};

TEST(MeanLoss, OfMixedImagesWithSmoothedLabels) {
  for (const double smoothing : {0.0, 0.1}) {
    for (const double share : {1.0, 0.7, 0.0}) {
      double expected = 0;
      for (std::size_t i = 0; i < kLogits.size(); ++i) {
        expected += (share * Loss(kLogits[i], kOwn[i], smoothing) +
                     (1 - share) * Loss(kLogits[i], kOther[i], smoothing)) /
                    3;
      }
      const Batch batch{
          .targets = at::tensor(kOwn), .partner_targets = at::tensor(kOther), .share = share};
      EXPECT_NEAR(MeanLoss(Tensor(kLogits), batch, smoothing).item<double>(), expected, 1e-6);
      Batch there = batch;
      there.share = 99;
      there.shares = at::tensor(std::vector<double>{share, 1 - share});
      const at::Tensor loss = MeanLoss(Tensor(kLogits), there, smoothing);
      EXPECT_NEAR(loss.item<double>(), expected, 1e-6);
      EXPECT_EQ(loss.scalar_type(), at::kFloat);
    }
  }
  const Batch plain{.targets = at::tensor(kOwn)};
  EXPECT_NEAR(MeanLoss(Tensor(kLogits), plain, 0).item<double>(),
              (Loss(kLogits[0], 2, 0) + Loss(kLogits[1], 0, 0) + Loss(kLogits[2], 1, 0)) / 3, 1e-6);
}

TEST(MeanAccuracy, OfMixedImagesCountsBothLabels) {
  const Batch plain{.targets = at::tensor(kOwn)};
  EXPECT_NEAR(MeanAccuracy(Tensor(kLogits), plain).item<double>(), 1.0 / 3, 1e-12);
  const Batch mixed{
      .targets = at::tensor(kOwn), .partner_targets = at::tensor(kOther), .share = 0.75};
  // The first image's own label is right, the others' partners.
  EXPECT_NEAR(MeanAccuracy(Tensor(kLogits), mixed).item<double>(), (0.75 + 0.25 * 2) / 3, 1e-12);
}

// 10,001 samples in batches of 128: the last has 17, and weighs as 17.
TEST(Score, ASmallerLastBatchWeighsWhatItHas) {
  constexpr std::int64_t kSamples = 10'001;
  const at::Tensor numbers = at::arange(kSamples).to(at::kDouble);
  const at::Tensor logits = at::stack({numbers.mul(0.7).sin(), numbers.mul(1.3).cos()}, 1);
  const at::Tensor labels = numbers.mul(0.01).sin().gt(0).to(at::kLong);
  Score whole;
  whole.Add(logits, labels);
  Score parts;
  for (std::int64_t at = 0; at < kSamples; at += 128) {
    const std::int64_t end = std::min(at + 128, kSamples);
    parts.Add(logits.slice(0, at, end), labels.slice(0, at, end));
  }
  EXPECT_NEAR(parts.loss(), whole.loss(), 1e-12);
  EXPECT_EQ(parts.accuracy(), whole.accuracy());
  EXPECT_EQ(whole.accuracy(),
            logits.argmax(1).eq(labels).sum().item<double>() / static_cast<double>(kSamples));
}

TEST(Score, OfNothingIsNotANumber) { EXPECT_TRUE(std::isnan(Score().accuracy())); }

}  // namespace
}  // namespace fusor
