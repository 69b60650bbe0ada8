#include "common/recipe/recipe.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fusor {
namespace {

const Recipe& Expert() { return *FindRecipe("expert"); }

std::string Refusal(const std::string& name, const Value& value) {
  return CheckValue(*Expert().Find(name), value).message();
}

TEST(CheckValue, AcceptsWhatIsDeclared) {
  EXPECT_TRUE(CheckValue(*Expert().Find("batch_size"), std::int64_t{1}).ok());
  EXPECT_TRUE(CheckValue(*Expert().Find("batch_size"), std::int64_t{65'536}).ok());
  EXPECT_TRUE(CheckValue(*Expert().Find("augment"), false).ok());
  EXPECT_TRUE(CheckValue(*Expert().Find("learning_rate"), 0.05).ok());
  EXPECT_TRUE(CheckValue(*Expert().Find("depth"), std::int64_t{10}).ok());
  EXPECT_TRUE(CheckValue(*Expert().Find("data"), "cifar100").ok());
}

TEST(CheckValue, SaysWhatIsAllowed) {
  EXPECT_EQ(Refusal("batch_size", std::int64_t{0}), "0 is not an integer from 1 to 65536");
  EXPECT_EQ(Refusal("batch_size", 64.0), "64.0 is not an integer from 1 to 65536");
  EXPECT_EQ(Refusal("batch_size", "64"), "\"64\" is not an integer from 1 to 65536");
  EXPECT_EQ(Refusal("depth", std::int64_t{50}), "50 is not one of 10, 18");
  EXPECT_EQ(Refusal("momentum", 1.0), "1.0 is not a number from 0 to 0.9999");
  EXPECT_EQ(Refusal("momentum", std::nan("")), "nan is not a number from 0 to 0.9999");
  EXPECT_EQ(Refusal("augment", std::int64_t{1}), "1 is not true or false");
  EXPECT_EQ(Refusal("data", "cifar1O"),
            "'cifar1O' is not one of synthetic, cifar10, cifar100; did you mean 'cifar10'?");
  EXPECT_EQ(Refusal("data", "mnist"), "'mnist' is not one of synthetic, cifar10, cifar100");
}

TEST(CheckValue, RefusesTextThatCannotBeShown) {
  const Param& model = *FindRecipe("probe")->Find("model");
  EXPECT_TRUE(CheckValue(model, "densenet").ok());
  EXPECT_EQ(CheckValue(model, "a\nb").message(), "the text has control characters");
  EXPECT_EQ(CheckValue(model, std::string(257, 'a')).message(),
            "the text is longer than 256 bytes");
}

TEST(MakeConfig, FillsInDefaults) {
  const Result<Config> config = MakeConfig(Expert(), {{"epochs", std::int64_t{3}}});
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->Int("epochs"), 3);
  EXPECT_EQ(config->Int("batch_size"), 128);
  EXPECT_EQ(config->Text("precision"), "fp32");
  EXPECT_TRUE(config->Bool("augment"));
  EXPECT_EQ(config->values().size(), Expert().params.size());
}

TEST(MakeConfig, TurnsIntegersIntoFloats) {
  const Result<Config> config = MakeConfig(Expert(), {{"learning_rate", std::int64_t{1}}});
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->Float("learning_rate"), 1.0);
}

TEST(MakeConfig, ReportsEveryProblem) {
  const Result<Config> config = MakeConfig(
      Expert(), {{"epoch", std::int64_t{3}}, {"depth", std::int64_t{12}}, {"width", "big"}});
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.status().code(), Code::kInvalidArgument);
  EXPECT_EQ(config.status().message(),
            "depth: 12 is not one of 10, 18\n"
            "epoch: recipe expert has no such parameter; did you mean 'epochs'?\n"
            "width: \"big\" is not an integer from 1 to 1024");
}

TEST(MakeConfig, RefusesImpossibleCombinations) {
  const Result<Config> small =
      MakeConfig(Expert(), {{"subset", std::int64_t{32}}, {"batch_size", std::int64_t{64}}});
  EXPECT_EQ(
      small.status().message(),
      "subset, batch_size: subset 32 is smaller than batch_size 64, so no batch would ever be "
      "full");
  const Result<Config> late = MakeConfig(
      *FindRecipe("probe"),
      {{"fault", "crash"}, {"fault_step", std::int64_t{11}}, {"steps", std::int64_t{10}}});
  EXPECT_EQ(late.status().message(),
            "fault, fault_step, steps: fault_step 11 is never reached in 10 steps");
  EXPECT_TRUE(MakeConfig(*FindRecipe("probe"), {{"fault_step", std::int64_t{1'000}}}).ok());
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
