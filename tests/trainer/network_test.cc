// The networks and fusions: sizes, names, modes, what they refuse. That they compute the right
// thing is reference_test.cc's.

#include "trainer/models/network.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "trainer/fusion/fusion.h"
#include "trainer/io/tensor_names.h"
#include "trainer/models/describe.h"
#include "trainer/models/layers.h"

namespace fusor {
namespace {

using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

Precision In(const char* name) { return *Precision::FromName(name, false); }

struct Built {
  ParameterSet parameters;
  std::unique_ptr<Network> network;
};

Built Build(const NetworkOptions& options, std::uint64_t seed = 1) {
  Built built;
  ModelBuilder builder(built.parameters, seed, at::kCPU);
  auto made = MakeNetwork(builder, options);
  CHECK(made.ok());
  built.network = std::move(*made);
  return built;
}

Description Described(const NetworkOptions& options) {
  auto description = Describe({.network = options});
  CHECK(description.ok());
  return *description;
}

const std::vector<NetworkOptions>& SmallOnes() {
  static const std::vector<NetworkOptions> small = {
      {.model = "densenet", .classes = 7, .depth = 10, .growth = 4, .dropout = 0.2},
      {.model = "resnet", .classes = 7, .depth = 10, .width = 4, .dropout = 0.2},
      {.model = "improved_wide_resnet", .classes = 7, .depth = 10, .width = 1},
      {.model = "resnext", .classes = 7, .depth = 11, .width = 4, .cardinality = 2},
      {.model = "resnext",
       .classes = 7,
       .depth = 11,
       .width = 4,
       .cardinality = 2,
       .preactivation = false},
  };
  return small;
}

at::Tensor Images(std::int64_t count) {
  return at::arange(count * 3 * 16 * 16, at::kFloat).sin().view({count, 3, 16, 16});
}

std::vector<std::string> Names(const ParameterSet& parameters) {
  std::vector<std::string> names;
  for (const Parameter& parameter : parameters.trained) names.push_back(parameter.name);
  for (const Buffer& buffer : parameters.buffers) names.push_back(buffer.name);
  return names;
}

struct Known {
  NetworkOptions options;
  std::int64_t parameters;
  std::int64_t features;
  std::int64_t million_multiply_adds;
};

TEST(Networks, HaveTheReferencesSizes) {
  const Known known[] = {
      {{.model = "densenet"}, 7'048'676, 1024, 888},
      {{.model = "resnet"}, 11'220'132, 512, 555},
      {{.model = "improved_wide_resnet"}, 36'536'884, 640, 5'243},
      {{.model = "resnext"}, 34'515'364, 1024, 5'387},
      {{.model = "resnext", .preactivation = false}, 34'518'948, 1024, 5'387},
      {{.model = "densenet", .depth = 100, .growth = 12}, 800'080, 342, 288},
      {{.model = "improved_wide_resnet", .depth = 40, .width = 2}, 2'255'156, 128, 328},
  };
  for (const Known& want : known) {
    const Description got = Described(want.options);
    EXPECT_EQ(got.parameters, want.parameters) << want.options.model;
    EXPECT_EQ(got.feature_size, want.features) << want.options.model;
    EXPECT_EQ(std::llround(static_cast<double>(got.multiply_adds) / 1e6),
              want.million_multiply_adds)
        << want.options.model;
  }
}

// Of published implementations of the same networks and fusions.
TEST(Networks, OtherNamesAreKnown) {
  const std::pair<const char*, const char*> others[] = {
      {"features.0.weight", "features.conv0.weight"},
      {"features.1.running_mean", "features.norm0.running_mean"},
      {"features.denseblock2.dense_block.11.dense_layer.0.bias",
       "features.denseblock2.denselayer12.norm1.bias"},
      {"features.denseblock1.dense_block.0.dense_layer.2.weight",
       "features.denseblock1.denselayer1.conv1.weight"},
      {"features.denseblock1.dense_block.0.dense_layer.3.weight",
       "features.denseblock1.denselayer1.norm2.weight"},
      {"features.denseblock4.dense_block.15.dense_layer.5.weight",
       "features.denseblock4.denselayer16.conv2.weight"},
      {"features.transition3.transition_layer.0.num_batches_tracked",
       "features.transition3.norm.num_batches_tracked"},
      {"features.transition1.transition_layer.2.weight", "features.transition1.conv.weight"},
      {"features.norm_final.weight", "features.norm5.weight"},
      {"layer2.0.shortcut.0.weight", "layer2.0.downsample.0.weight"},
      {"layer2.0.shortcut.1.running_var", "layer2.0.downsample.1.running_var"},
      {"linear.bias", "fc.bias"},
      {"layer1.2.conv2.conv.weight", "layer1.2.conv2.weight"},
      {"expert_backbones.3.linear.weight", "experts.3.fc.weight"},
      {"fusion_module.attention.in_proj_weight", "fusion.attention.in_proj_weight"},
      {"global_head.weight", "global_head.weight"},
  };
  for (const auto& [other, own] : others) EXPECT_EQ(OwnName(other), own);
  for (const NetworkOptions& options : SmallOnes()) {
    for (const std::string& name : Names(Build(options).parameters)) EXPECT_EQ(OwnName(name), name);
  }
}

TEST(Networks, NamesAreThoseOfAStateDict) {
  const std::vector<std::vector<std::string>> expected = {
      {"features.conv0.weight", "features.norm0.running_var",
       "features.denseblock1.denselayer1.norm1.weight",
       "features.denseblock3.denselayer1.conv2.weight", "features.transition2.conv.weight",
       "features.norm5.bias", "classifier.weight"},
      {"conv1.weight", "bn1.num_batches_tracked", "layer2.0.downsample.0.weight",
       "layer2.0.downsample.1.running_mean", "layer4.0.conv2.weight", "fc.bias"},
      {"conv1.weight", "block1.layer.0.bn1.weight", "block2.layer.0.conv_shortcut.weight",
       "bn1.running_mean", "fc.weight"},
      {"conv1.weight", "layer1.0.bn3.weight", "layer3.0.downsample.0.weight", "bn.weight",
       "fc.weight"},
      {"bn1.weight", "layer1.0.downsample.1.weight", "fc.weight"},
  };
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Built built = Build(SmallOnes()[i]);
    const std::vector<std::string> names = Names(built.parameters);
    EXPECT_THAT(names, IsSupersetOf(expected[i]));
    EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
    // Files are written in the order of declaration: a head's weight before its bias.
    const std::vector<Parameter>& trained = built.parameters.trained;
    EXPECT_THAT(trained.back().name, ::testing::EndsWith(".bias"));
    EXPECT_THAT(trained[trained.size() - 2].name, ::testing::EndsWith(".weight"));
    // Weights of convolutions and of the head alone shrink.
    for (const Parameter& parameter : built.parameters.trained) {
      EXPECT_EQ(parameter.decay, parameter.value.dim() > 1) << parameter.name;
    }
  }
}

TEST(Networks, GradientReachesEveryParameterInEitherPrecision) {
  for (const NetworkOptions& options : SmallOnes()) {
    for (const char* precision : {"fp32", "bf16"}) {
      const Built built = Build(options);
      const NetworkOutput output =
          built.network->Forward(Images(4), {In(precision), Mode::kTrain, 1, 1});
      EXPECT_EQ(output.logits.scalar_type(), at::kFloat);
      EXPECT_EQ(output.features.scalar_type(), at::kFloat);
      EXPECT_EQ(output.features.size(1), built.network->feature_size());
      output.logits.square().sum().backward();
      for (const Parameter& parameter : built.parameters.trained) {
        ASSERT_TRUE(parameter.value.grad().defined()) << options.model << " " << parameter.name;
        EXPECT_EQ(parameter.value.grad().scalar_type(), at::kFloat);
        EXPECT_GT(parameter.value.grad().abs().sum().item<double>(), 0)
            << options.model << " " << parameter.name;
      }
    }
  }
}

// A 1x1 convolution with a stride and few channels, forward and back, is what double makes of it.
// LibTorch's own one corrupts memory in fp32.
TEST(Conv2d, StridedPointwiseOfFewChannels) {
  for (std::int64_t channels = 1; channels <= 9; ++channels) {
    at::Tensor gradients[2];
    for (const char* name : {"fp32", "fp64"}) {
      const Precision precision = In(name);
      ParameterSet parameters;
      ModelBuilder builder(parameters, 1, at::kCPU, precision.master());
      const Conv2d conv(builder, "c", {channels, 2 * channels, 1, 2});
      at::Tensor images = at::arange(32 * channels * 16 * 16, at::kFloat)
                              .sin()
                              .view({32, channels, 16, 16})
                              .to(precision.master())
                              .contiguous(at::MemoryFormat::ChannelsLast)
                              .requires_grad_();
      conv.Forward(images, {precision, Mode::kTrain}).square().sum().backward();
      const bool single = precision.master() == at::kFloat;
      gradients[single ? 0 : 1] = images.grad().to(at::kDouble);
    }
    EXPECT_TRUE(gradients[0].allclose(gradients[1], 1e-4, 1e-5)) << channels;
  }
}

// Training moves the running statistics; frozen and evaluation use them as they are.
TEST(Networks, ModesOfNorms) {
  at::NoGradGuard no_gradients;
  for (NetworkOptions options : SmallOnes()) {
    options.dropout = 0;
    const Built built = Build(options);
    auto statistics = [&] {
      std::vector<at::Tensor> values;
      for (const Buffer& buffer : built.parameters.buffers) values.push_back(buffer.value.clone());
      return values;
    };
    auto logits = [&](Mode mode) {
      return built.network->Forward(Images(4), {In("fp32"), mode}).logits;
    };
    const at::Tensor trained = logits(Mode::kTrain);
    const auto after = statistics();
    const at::Tensor frozen = logits(Mode::kFrozen);
    const at::Tensor evaluated = logits(Mode::kEvaluate);
    EXPECT_TRUE(frozen.equal(evaluated));
    EXPECT_FALSE(trained.allclose(evaluated));
    for (std::size_t i = 0; i < after.size(); ++i) {
      EXPECT_TRUE(after[i].equal(built.parameters.buffers[i].value));
      if (after[i].scalar_type() == at::kLong) {
        EXPECT_EQ(after[i].item<std::int64_t>(), 1);
      }
    }
  }
}

TEST(Networks, DropoutDependsOnSeedAndStepAlone) {
  at::NoGradGuard no_gradients;
  for (const NetworkOptions& options : SmallOnes()) {
    const Built built = Build(options);
    auto logits = [&](Mode mode, std::uint64_t seed, std::int64_t step) {
      return built.network->Forward(Images(2), {In("fp32"), mode, seed, step}).logits;
    };
    const at::Tensor first = logits(Mode::kFrozen, 1, 5);
    EXPECT_TRUE(first.equal(logits(Mode::kFrozen, 1, 5))) << options.model;
    EXPECT_FALSE(first.equal(logits(Mode::kFrozen, 1, 6))) << options.model;
    EXPECT_FALSE(first.equal(logits(Mode::kFrozen, 2, 5))) << options.model;
    EXPECT_TRUE(logits(Mode::kEvaluate, 1, 5).equal(logits(Mode::kEvaluate, 2, 6)));
  }
}

TEST(Networks, DoubleMastersHaveTheSameInitialValues) {
  for (const NetworkOptions& options : SmallOnes()) {
    const Built single = Build(options, 3);
    ParameterSet parameters;
    ModelBuilder builder(parameters, 3, at::kCPU, In("fp64").master());
    ASSERT_TRUE(MakeNetwork(builder, options).ok());
    for (std::size_t i = 0; i < parameters.trained.size(); ++i) {
      EXPECT_EQ(parameters.trained[i].value.scalar_type(), at::kDouble);
      EXPECT_TRUE(
          parameters.trained[i].value.equal(single.parameters.trained[i].value.to(at::kDouble)));
    }
  }
}

TEST(Networks, RefuseWhatTheyCannotBe) {
  auto problem = [](const NetworkOptions& options) {
    return CompleteOptions(options).status().message();
  };
  EXPECT_THAT(problem({.model = "resnet18"}), HasSubstr("did you mean 'resnet'"));
  EXPECT_THAT(problem({.model = "resnet", .depth = 17}), HasSubstr("depth 17 is not 10 or 18"));
  EXPECT_THAT(problem({.model = "resnet", .growth = 3}), HasSubstr("no option 'growth'"));
  EXPECT_THAT(problem({.model = "resnext", .depth = 30}), HasSubstr("9 n + 2"));
  EXPECT_THAT(problem({.model = "densenet", .depth = 99}), HasSubstr("6 n + 4"));
  EXPECT_THAT(problem({.model = "densenet", .cardinality = 2}), HasSubstr("cardinality"));
  EXPECT_THAT(problem({.model = "improved_wide_resnet", .depth = 4}), HasSubstr("6 n + 4"));
  EXPECT_THAT(problem({.model = "resnet", .width = 0}), HasSubstr("width must be from 1"));
  EXPECT_THAT(problem({.model = "resnet", .classes = 0}), HasSubstr("classes must be from 1"));
  EXPECT_THAT(problem({.model = "resnet", .dropout = 1.0}), HasSubstr("dropout"));
  EXPECT_THAT(problem({.model = "resnet", .dropout = std::nan("")}), HasSubstr("dropout"));
}

// What backward keeps, by hand: one convolution's input, the norm's input and ReLU's output for
// each of the layers of a block, in the type that they are computed in.
TEST(Describe, CountsActivationsOnce) {
  DescribeOptions options;
  options.network = {.model = "resnet", .classes = 10, .depth = 10, .width = 8};
  options.batch_size = 2;
  const std::int64_t area = 32 * 32;
  const std::int64_t groups[] = {8 * area, 16 * area / 4, 32 * area / 16, 64 * area / 64};
  // The stem: images, conv, ReLU. A block: conv1, ReLU, conv2, ReLU, and the shortcut's conv.
  std::int64_t values = 3 * area + 2 * groups[0];
  for (int group = 0; group < 4; ++group) values += (group == 0 ? 4 : 5) * groups[group];
  values += 64;  // features
  auto described = Describe(options);
  ASSERT_TRUE(described.ok());
  EXPECT_EQ(described->memory.activations, 2 * 4 * values);
  EXPECT_EQ(described->memory.gradients, 4 * described->parameters);
  EXPECT_EQ(described->memory.casts, 0);
  options.precision = "bf16";
  options.batch_size = 4;
  described = Describe(options);
  ASSERT_TRUE(described.ok());
  EXPECT_EQ(described->memory.activations, 4 * 2 * values);
  EXPECT_GT(described->memory.casts, 0);
}

TEST(Fusions, HaveTheReferencesParameterCounts) {
  const std::pair<const char*, std::int64_t> known[] = {
      {"multiplicative", 529'408},        {"multiplicativeAddition", 529'412},
      {"TransformerBase", 1'580'032},     {"concatenation", 1'315'840},
      {"multiplicativeShifted", 529'408}, {"simpleAddition", 525'316},
  };
  for (const auto& [type, count] : known) {
    ParameterSet parameters;
    ModelBuilder builder(parameters, 1, at::kCPU);
    ASSERT_TRUE(MakeFusion(builder, {.type = type, .feature_size = 512}).ok());
    EXPECT_EQ(parameters.Count(), count) << type;
  }
  EXPECT_EQ(FusionNames().size(), std::size(known));
}

TEST(Fusions, GradientReachesExpertsAndParametersInEitherPrecision) {
  // 18 features: six heads, since eight do not divide them.
  for (const std::string& type : FusionNames()) {
    for (const char* precision : {"fp32", "bf16"}) {
      ParameterSet parameters;
      ModelBuilder builder(parameters, 1, at::kCPU);
      auto fusion = MakeFusion(builder, {.type = type, .feature_size = 18, .experts = 3});
      ASSERT_TRUE(fusion.ok());
      std::vector<at::Tensor> features;
      for (int k = 0; k < 3; ++k) {
        features.push_back(at::arange(k, 90 + k, at::kFloat).sin().view({5, 18}).requires_grad_());
      }
      at::Tensor fused = (*fusion)->Forward(features, {In(precision), Mode::kTrain, 1, 1});
      EXPECT_EQ(fused.sizes(), features[0].sizes());
      EXPECT_EQ(fused.scalar_type(), at::kFloat);
      fused.square().sum().backward();
      for (const at::Tensor& feature : features) {
        ASSERT_TRUE(feature.grad().defined()) << type;
        EXPECT_GT(feature.grad().abs().sum().item<double>(), 0) << type;
      }
      for (const Parameter& parameter : parameters.trained) {
        ASSERT_TRUE(parameter.value.grad().defined()) << type << " " << parameter.name;
      }
    }
  }
}

TEST(Fusions, NamesAndRefusals) {
  ParameterSet parameters;
  ModelBuilder builder(parameters, 1, at::kCPU);
  ASSERT_TRUE(MakeFusion(builder, {.type = "TransformerBase", .feature_size = 8}).ok());
  GlobalHead head(builder, 8, 10);
  EXPECT_THAT(Names(parameters),
              IsSupersetOf({"norms.3.bias", "attention.in_proj_weight", "attention.in_proj_bias",
                            "attention.out_proj.weight", "ffn.0.weight", "ffn.3.bias",
                            "global_head.weight", "global_head.bias"}));
  EXPECT_THAT(MakeFusion(builder, {.type = "multiplicativ", .feature_size = 8}).status().message(),
              HasSubstr("did you mean 'multiplicative'"));
  EXPECT_FALSE(MakeFusion(builder, {.type = "multiplicative"}).ok());
}

TEST(Adapters, BringFeaturesToOneSize) {
  ParameterSet parameters;
  ModelBuilder builder(parameters, 1, at::kCPU);
  const std::int64_t sizes[] = {4, 6, 8};
  Adapters adapters(builder, sizes, 5);
  EXPECT_EQ(parameters.Count(), (4 + 6 + 8) * 5 + 3 * 5);
  EXPECT_EQ(parameters.trained[2].name, "adapters.1.weight");
  const std::vector<at::Tensor> features = {at::ones({2, 4}), at::ones({2, 6}), at::ones({2, 8})};
  for (const at::Tensor& adapted : adapters.Forward(features, {In("bf16")})) {
    EXPECT_EQ(adapted.sizes(), (std::vector<std::int64_t>{2, 5}));
    EXPECT_EQ(adapted.scalar_type(), at::kFloat);
  }
}

}  // namespace
}  // namespace fusor
