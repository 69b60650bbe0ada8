// What the fusion recipe is made of.

#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "trainer/recipes/fused_model.h"
#include "trainer/recipes/fusion_rates.h"
#include "trainer/recipes/pcgrad.h"

namespace fusor {
namespace {

// The published rules, by feature size.
TEST(FusionRates, FollowModuleAndFeatureSize) {
  const auto base = [](const char* fusion, int size) { return OwnFusionRates(fusion, size).base; };
  const auto head = [](const char* fusion, int size) { return OwnFusionRates(fusion, size).head; };
  EXPECT_DOUBLE_EQ(base("multiplicative", 512), 1e-4);
  EXPECT_DOUBLE_EQ(base("multiplicative", 342), 1.1e-4);
  EXPECT_DOUBLE_EQ(base("multiplicative", 1024), 0.7e-4);
  EXPECT_DOUBLE_EQ(base("concatenation", 64), 1.3e-4);
  EXPECT_DOUBLE_EQ(base("TransformerBase", 342), 5e-5);
  EXPECT_DOUBLE_EQ(base("TransformerBase", 640), 4e-5);
  EXPECT_DOUBLE_EQ(base("TransformerBase", 1024), 5e-5 * 0.7 * 0.8);
  EXPECT_DOUBLE_EQ(head("multiplicative", 512), 5e-4);
  EXPECT_DOUBLE_EQ(head("multiplicativeAddition", 1024), 8e-4);
  EXPECT_DOUBLE_EQ(head("simpleAddition", 512), 1e-3);
  EXPECT_DOUBLE_EQ(head("concatenation", 64), 1.2e-3);
  EXPECT_DOUBLE_EQ(head("TransformerBase", 640), 2e-4);
}

at::Tensor Leaf(std::vector<float> values) { return at::tensor(values).requires_grad_(); }

std::vector<float> GradientOf(const at::Tensor& leaf) {
  const at::Tensor gradient = leaf.grad();
  return {gradient.data_ptr<float>(), gradient.data_ptr<float>() + gradient.numel()};
}

TEST(PcGrad, WhatPointsTheSameWayIsAdded) {
  const at::Tensor w = Leaf({0, 0});
  const at::Tensor a = w.mul(at::tensor({1.0F, 2.0F})).sum();
  const at::Tensor b = w.mul(at::tensor({3.0F, 0.0F})).sum();
  BackwardWithoutConflicts(a, b, {w}, 0.5);
  EXPECT_EQ(GradientOf(w), (std::vector<float>{2, 1}));
  // And added to what is there.
  BackwardWithoutConflicts(w.mul(at::tensor({1.0F, 2.0F})).sum(),
                           w.mul(at::tensor({3.0F, 0.0F})).sum(), {w}, 0.5);
  EXPECT_EQ(GradientOf(w), (std::vector<float>{4, 2}));
}

TEST(PcGrad, ConflictsAreTakenOutOfBoth) {
  const at::Tensor w = Leaf({0, 0});
  const at::Tensor alone = Leaf({0});
  // a = (1, 0), b = (-1, 1): a without b is (0.5, 0.5), b without a is (0, 1).
  const at::Tensor a = w.mul(at::tensor({1.0F, 0.0F})).sum().add(alone.sum());
  const at::Tensor b = w.mul(at::tensor({-1.0F, 1.0F})).sum();
  BackwardWithoutConflicts(a, b, {w, alone}, 1);
  EXPECT_EQ(GradientOf(w), (std::vector<float>{0.5, 1.5}));
  EXPECT_EQ(GradientOf(alone), (std::vector<float>{1}));
}

FusedOptions Small(std::vector<NetworkOptions> experts) {
  return {.experts = std::move(experts),
          .fusion = {.type = "concatenation", .experts = 2, .dropout = 0},
          .feature_size = std::nullopt,
          .seed = 7};
}

NetworkOptions Residual(std::int64_t width) {
  return {.model = "resnet", .classes = 5, .depth = 10, .width = width};
}

TEST(FusedModel, ExpertsOfOneKindBeginDifferently) {
  const auto model = FusedModel::Make(Small({Residual(2), Residual(2)}), at::kCPU);
  ASSERT_TRUE(model.ok());
  const auto first = (*model)->Trained({"experts.0.conv1."});
  const auto second = (*model)->Trained({"experts.1.conv1."});
  ASSERT_EQ(first.size(), 1u);
  EXPECT_FALSE(first[0].value.equal(second[0].value));
  EXPECT_TRUE((*model)->Trained({"adapters."}).empty());
}

TEST(FusedModel, FrozenExpertsGetNoGradientsAndKeepTheirStatistics) {
  const auto model = FusedModel::Make(Small({Residual(2), Residual(3)}), at::kCPU);
  ASSERT_TRUE(model.ok());
  EXPECT_EQ((*model)->feature_size(), 24);
  EXPECT_EQ((*model)->Trained({"adapters."}).size(), 4u);  // two layers, weight and bias
  std::vector<at::Tensor> before;
  for (const Buffer& buffer : (*model)->parameters().buffers)
    before.push_back(buffer.value.clone());
  const Pass pass{.precision = *Precision::FromName("fp32", false), .mode = Mode::kTrain};
  const FusedOutput out = (*model)->Forward(at::zeros({4, 3, 32, 32}), pass, true);
  EXPECT_FALSE(out.expert_logits[0].requires_grad());
  out.logits.sum().backward();
  for (const Parameter& parameter : (*model)->parameters().trained) {
    EXPECT_EQ(parameter.value.grad().defined(), !parameter.name.starts_with("experts."))
        << parameter.name;
  }
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_TRUE(before[i].equal((*model)->parameters().buffers[i].value));
  }
}

}  // namespace
}  // namespace fusor
