// The loss scale by what overflowed, under both policies.

#include "trainer/precision/loss_scaler.h"

#include <gtest/gtest.h>

namespace fusor {
namespace {

TEST(LossScaler, TorchHalvesOnOverflowAndDoublesAfterGoodSteps) {
  LossScaler scaler(LossScalerPolicy::Torch());
  EXPECT_EQ(scaler.scale(), 65'536);
  EXPECT_TRUE(scaler.OnOverflow().ok());
  EXPECT_EQ(scaler.scale(), 32'768);
  for (int i = 0; i < 1'999; ++i) scaler.OnFinite();
  EXPECT_EQ(scaler.scale(), 32'768);
  LossScaler resumed(LossScalerPolicy::Torch(), scaler.state());
  resumed.OnFinite();
  EXPECT_EQ(resumed.scale(), 65'536);
  for (int i = 0; i < 2'000; ++i) resumed.OnFinite();
  EXPECT_EQ(resumed.scale(), 131'072);
  for (int i = 0; i < 1'999; ++i) resumed.OnFinite();
  EXPECT_TRUE(resumed.OnOverflow().ok());
  resumed.OnFinite();
  EXPECT_EQ(resumed.scale(), 65'536);
  for (int i = 0; i < 40; ++i) EXPECT_TRUE(resumed.OnOverflow().ok());
  EXPECT_EQ(resumed.scale(), 1);
  for (int i = 0; i < 100'000; ++i) resumed.OnFinite();
  EXPECT_EQ(resumed.scale(), 16'777'216);
}

// As DeepSpeed's counts go: iteration i grows the scale when i - last overflow - 1 is a multiple of
// the window above 0.
TEST(LossScaler, DeepSpeedForgivesTheFirstOverflowAndGrowsAfterAWindow) {
  LossScaler scaler(LossScalerPolicy::DeepSpeed());
  EXPECT_EQ(scaler.scale(), 65'536);
  EXPECT_TRUE(scaler.OnOverflow().ok());
  EXPECT_EQ(scaler.scale(), 65'536);
  LossScaler resumed(LossScalerPolicy::DeepSpeed(), scaler.state());
  EXPECT_TRUE(resumed.OnOverflow().ok());
  EXPECT_EQ(resumed.scale(), 32'768);
  // Spent allowance comes back with growth, not before.
  resumed.OnFinite();
  EXPECT_TRUE(resumed.OnOverflow().ok());
  EXPECT_EQ(resumed.scale(), 16'384);
  for (int i = 0; i < 1'000; ++i) resumed.OnFinite();
  EXPECT_EQ(resumed.scale(), 16'384);
  resumed.OnFinite();
  EXPECT_EQ(resumed.scale(), 32'768);
  for (int i = 0; i < 999; ++i) resumed.OnFinite();
  EXPECT_EQ(resumed.scale(), 32'768);
  resumed.OnFinite();
  EXPECT_EQ(resumed.scale(), 65'536);
  EXPECT_TRUE(resumed.OnOverflow().ok());
  EXPECT_EQ(resumed.scale(), 65'536);
}

TEST(LossScaler, DeepSpeedGivesUpAtTheSmallestScale) {
  LossScaler scaler(LossScalerPolicy::DeepSpeed());
  int overflows = 0;
  while (scaler.OnOverflow().ok()) ++overflows;
  EXPECT_EQ(overflows, 17);  // one forgiven, then 2^16 down to 1
  EXPECT_EQ(scaler.scale(), 1);
}

TEST(LossScaler, AllowanceCanBeFilledUpByEachGoodStep) {
  LossScalerPolicy policy = LossScalerPolicy::DeepSpeed();
  policy.refill_each_step = true;
  LossScaler scaler(policy);
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(scaler.OnOverflow().ok());
    scaler.OnFinite();
  }
  EXPECT_EQ(scaler.scale(), 65'536);
}

}  // namespace
}  // namespace fusor
