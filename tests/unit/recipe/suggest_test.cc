#include "common/recipe/suggest.h"

#include <gtest/gtest.h>

namespace fusor {
namespace {

TEST(Nearest, FindsTypingSlips) {
  const std::vector<std::string> names = {"epochs", "batch_size", "learning_rate", "seed"};
  EXPECT_EQ(Nearest("epoch", names), "epochs");
  EXPECT_EQ(Nearest("epcohs", names), "epochs");
  EXPECT_EQ(Nearest("batchsize", names), "batch_size");
  EXPECT_EQ(Nearest("Learning-Rate", names), "learning_rate");
  EXPECT_EQ(Nearest("batch", names), "batch_size");
  EXPECT_EQ(Nearest("seeds", names), "seed");
}

TEST(Nearest, SaysNothingWhenNothingIsNear) {
  EXPECT_EQ(Nearest("optimizer", {"epochs", "seed"}), std::nullopt);
  EXPECT_EQ(Nearest("", {"epochs"}), std::nullopt);
  EXPECT_EQ(Nearest("xy", {"ab"}), std::nullopt);
  EXPECT_EQ(Nearest("b", {"a"}), std::nullopt);
  EXPECT_EQ(Nearest("epochs", {}), std::nullopt);
  EXPECT_EQ(Nearest(std::string(100'000, 'a'), {"epochs"}), std::nullopt);
}

TEST(Nearest, TakesTheFirstOfEquals) { EXPECT_EQ(Nearest("fp12", {"fp16", "fp32"}), "fp16"); }

TEST(Suggestion, ListsShortChoicesWhenNothingIsNear) {
  EXPECT_EQ(Suggestion("fp33", {"fp32", "bf16"}), "; did you mean 'fp32'?");
  EXPECT_EQ(Suggestion("quick", {"fp32", "bf16"}), "; one of fp32, bf16");
  EXPECT_EQ(Suggestion("quick", {}), "");
  EXPECT_EQ(Suggestion("quick", std::vector<std::string>(100, "other")), "");
}

}  // namespace
}  // namespace fusor
