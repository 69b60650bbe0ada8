#include "common/recipe/recipe.h"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>

namespace fusor {
namespace {

const Recipe& Expert() { return *FindRecipe("expert"); }

std::string Refusal(const std::string& name, const Value& value) {
  return CheckValue(*Expert().Find(name), value).message();
}

TEST(CheckValue, AcceptsWhatIsDeclared) {
  EXPECT_TRUE(CheckValue(*Expert().Find("batch_size"), std::int64_t{1}).ok());
  EXPECT_TRUE(CheckValue(*Expert().Find("batch_size"), std::int64_t{65'536}).ok());
  EXPECT_TRUE(CheckValue(*Expert().Find("nesterov"), false).ok());
  EXPECT_TRUE(CheckValue(*Expert().Find("learning_rate"), 0.05).ok());
  EXPECT_TRUE(CheckValue(*Expert().Find("depth"), std::int64_t{10}).ok());
  EXPECT_TRUE(CheckValue(*Expert().Find("data"), "cifar100").ok());
  EXPECT_TRUE(CheckValue(*Expert().Find("depth"), "auto").ok());
  EXPECT_FALSE(CheckValue(*Expert().Find("epochs"), "auto").ok());
}

TEST(CheckValue, SaysWhatIsAllowed) {
  EXPECT_EQ(Refusal("batch_size", std::int64_t{0}), "0 is not an integer from 1 to 65536, or auto");
  EXPECT_EQ(Refusal("batch_size", 64.0), "64.0 is not an integer from 1 to 65536, or auto");
  EXPECT_EQ(Refusal("batch_size", "64"), "\"64\" is not an integer from 1 to 65536, or auto");
  EXPECT_EQ(Refusal("depth", std::int64_t{0}), "0 is not an integer from 1 to 1204, or auto");
  EXPECT_EQ(Refusal("momentum", 1.0), "1.0 is not a number from 0 to 0.9999");
  EXPECT_EQ(Refusal("momentum", std::nan("")), "nan is not a number from 0 to 0.9999");
  EXPECT_EQ(Refusal("nesterov", std::int64_t{1}), "1 is not true or false");
  EXPECT_EQ(Refusal("data", "cifar1O"),
            "'cifar1O' is not one of synthetic, cifar10, cifar100; did you mean 'cifar10'?");
  EXPECT_EQ(Refusal("data", "mnist"), "'mnist' is not one of synthetic, cifar10, cifar100");
}

TEST(CheckValue, RefusesTextThatCannotBeShown) {
  const Param& model = *FindRecipe("probe")->Find("model");
  EXPECT_TRUE(CheckValue(model, "densenet").ok());
  EXPECT_EQ(CheckValue(model, "a\nb").message(), "the text has control characters");
  EXPECT_EQ(CheckValue(model, std::string(4097, 'a')).message(),
            "the text is longer than 4096 bytes");
}

TEST(MakeConfig, FillsInDefaults) {
  const Result<Config> config = MakeConfig(Expert(), {{"epochs", std::int64_t{3}}});
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->Int("epochs"), 3);
  EXPECT_EQ(config->Int("batch_size"), 128);
  EXPECT_EQ(config->Text("precision"), "fp32");
  EXPECT_TRUE(config->Bool("nesterov"));
  EXPECT_EQ(config->values().size(), Expert().params.size());
  EXPECT_FALSE(config->Has("growth"));  // a residual network has none
}

std::string Settled(const Recipe& recipe, ParamValues given, const std::string& name) {
  const Result<Config> config = MakeConfig(recipe, std::move(given));
  return config.ok() ? DisplayText(config->values().at(name)) : config.status().message();
}

TEST(MakeConfig, GivesEachModelItsOwnValues) {
  EXPECT_EQ(Settled(Expert(), {{"model", "densenet"}}, "batch_size"), "64");
  EXPECT_EQ(Settled(Expert(), {{"model", "densenet"}}, "dropout"), "0.2");
  EXPECT_EQ(Settled(Expert(), {{"model", "resnet"}}, "augment"), "color_jitter");
  EXPECT_EQ(Settled(Expert(), {{"model", "resnet"}}, "weight_decay"), "1e-04");
  EXPECT_EQ(Settled(Expert(), {{"model", "resnext"}}, "augment"), "trivial_augment");
  EXPECT_EQ(Settled(Expert(), {{"model", "improved_wide_resnet"}}, "rand_magnitude"), "14");
  EXPECT_EQ(Settled(Expert(), {{"model", "resnet"}, {"augment", "none"}}, "erase"), "0.0");
  EXPECT_EQ(Settled(Expert(), {{"optimizer", "lion"}}, "learning_rate"), "3e-04");
  EXPECT_EQ(Settled(Expert(), {{"optimizer", "lion"}}, "beta2"), "0.99");
  const Recipe& fusion = *FindRecipe("fusion");
  EXPECT_EQ(Settled(fusion, {{"fusion", "TransformerBase"}}, "weight_decay"), "5e-04");
  EXPECT_EQ(Settled(fusion, {{"fusion", "concatenation"}}, "label_smoothing"), "0.08");
  // Depends on the features, which the trainer alone knows.
  EXPECT_EQ(Settled(fusion, {}, "learning_rate"), "auto");
}

TEST(MakeConfig, AnyTwoBatchSizesGiveTheThird) {
  const auto sizes = [](ParamValues given) {
    const Result<Config> config = MakeConfig(Expert(), std::move(given));
    if (!config.ok()) return config.status().message();
    return std::to_string(config->Int("batch_size")) + " " +
           std::to_string(config->Int("micro_batch_size")) + " " +
           std::to_string(config->Int("accumulate"));
  };
  const std::int64_t four = 4;
  const std::int64_t sixteen = 16;
  const std::int64_t big = 64;
  EXPECT_EQ(sizes({}), "128 128 1");
  EXPECT_EQ(sizes({{"batch_size", big}}), "64 64 1");
  EXPECT_EQ(sizes({{"batch_size", big}, {"accumulate", four}}), "64 16 4");
  EXPECT_EQ(sizes({{"batch_size", big}, {"micro_batch_size", sixteen}}), "64 16 4");
  EXPECT_EQ(sizes({{"micro_batch_size", sixteen}, {"accumulate", four}}), "64 16 4");
  EXPECT_EQ(sizes({{"micro_batch_size", sixteen}}), "128 16 8");
  EXPECT_EQ(sizes({{"batch_size", big}, {"micro_batch_size", sixteen}, {"accumulate", four}}),
            "64 16 4");
  EXPECT_EQ(sizes({{"batch_size", big}, {"micro_batch_size", four}, {"accumulate", four}}),
            "batch_size, micro_batch_size, accumulate: batch_size 64 is not micro_batch_size 4 "
            "times accumulate 4");
  EXPECT_EQ(sizes({{"batch_size", std::int64_t{30}}, {"accumulate", four}}),
            "batch_size, micro_batch_size, accumulate: batch_size 30 is not a multiple of "
            "accumulate 4");
}

TEST(MakeConfig, TurnsIntegersIntoFloats) {
  const Result<Config> config = MakeConfig(Expert(), {{"learning_rate", std::int64_t{1}}});
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->Float("learning_rate"), 1.0);
}

TEST(MakeConfig, ReportsEveryProblem) {
  const Result<Config> config =
      MakeConfig(Expert(), {{"epoch", std::int64_t{3}}, {"momentum", 2.0}, {"width", "big"}});
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.status().code(), Code::kInvalidArgument);
  EXPECT_EQ(config.status().message(),
            "epoch: recipe expert has no such parameter; did you mean 'epochs'?\n"
            "momentum: 2.0 is not a number from 0 to 0.9999\n"
            "width: \"big\" is not an integer from 1 to 1024, or auto");
}

TEST(MakeConfig, RefusesImpossibleCombinations) {
  const Result<Config> small =
      MakeConfig(Expert(), {{"subset", std::int64_t{32}}, {"batch_size", std::int64_t{64}}});
  EXPECT_EQ(
      small.status().message(),
      "subset, batch_size: subset 32 is smaller than batch_size 64, so no batch would ever be "
      "full");
  const Result<Config> model =
      MakeConfig(Expert(), {{"model", "resnet"}, {"growth", std::int64_t{12}}});
  EXPECT_NE(model.status().message().find("resnet: has no option 'growth'"), std::string::npos)
      << model.status().message();
  const Result<Config> late = MakeConfig(
      *FindRecipe("probe"),
      {{"fault", "crash"}, {"fault_step", std::int64_t{11}}, {"steps", std::int64_t{10}}});
  EXPECT_EQ(late.status().message(),
            "fault, fault_step, steps: fault_step 11 is never reached in 10 steps");
  EXPECT_TRUE(MakeConfig(*FindRecipe("probe"), {{"fault_step", std::int64_t{1'000}}}).ok());
}

TEST(MakeConfig, ExpertsOfSeveralArchitecturesHaveTheirOwnSizes) {
  const auto refusal = [](const char* models, std::optional<std::int64_t> depth = {}) {
    ParamValues values = {{"models", models}};
    if (depth) values.emplace("depth", *depth);
    return MakeConfig(*FindRecipe("fusion"), values).status().message();
  };
  EXPECT_EQ(refusal("resnet depth=10 width=16, densenet depth=22 growth=8, resnext, resnet"), "");
  EXPECT_EQ(refusal("resnet, resnext"), "models: models names 2 models, not 4");
  EXPECT_EQ(refusal("resnet, resnet, resnet, resnets"),
            "models: model: 'resnets' is not one of densenet, resnet, improved_wide_resnet, "
            "resnext; did you mean 'resnet'?");
  EXPECT_EQ(refusal("resnet depth=11, resnet, resnet, resnet"),
            "models: resnet: depth 11 is not 10 or 18");
  EXPECT_EQ(refusal("resnet growth=4, resnet, resnet, resnet"),
            "models: resnet: has no option 'growth'");
  EXPECT_EQ(refusal("resnet classes=4, resnet, resnet, resnet"),
            "models: resnet: no option 'classes'");
  EXPECT_EQ(refusal("resnet 10, resnet, resnet, resnet"),
            "models: resnet: '10' is not OPTION=VALUE");
  EXPECT_NE(refusal("resnet, resnet, resnet, resnet", 10)
                .find("depth is no model's own where `models` names several"),
            std::string::npos);
}

TEST(CanonicalConfig, IsSortedAndExact) {
  EXPECT_EQ(CanonicalConfig({{"b", 0.5}, {"a", std::int64_t{1}}, {"c", "x"}, {"d", true}}),
            R"({"a":1,"b":0.5,"c":"x","d":true})");
  EXPECT_EQ(CanonicalConfig({}), "{}");
}

TEST(ConfigDeathTest, WrongTypeIsAProgrammersError) {
  const Result<Config> config = MakeConfig(Expert(), {});
  ASSERT_TRUE(config.ok());
  EXPECT_DEATH(static_cast<void>(config->Int("learning_rate")), "check failed");
  EXPECT_DEATH(static_cast<void>(config->Int("no_such")), "check failed");
}

}  // namespace
}  // namespace fusor
