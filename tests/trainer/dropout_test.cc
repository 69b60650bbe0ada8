// Counter-based dropout.

#include "trainer/models/dropout.h"

#include <ATen/Parallel.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "common/base/random.h"
#include "trainer/models/draw.h"

namespace fusor {
namespace {

Pass Training(std::int64_t step, const char* precision = "fp32") {
  return {.precision = *Precision::FromName(precision, false),
          .mode = Mode::kTrain,
          .seed = 3,
          .step = step};
}

TEST(Dropout, KeepsItsShareAndTheMean) {
  const at::Tensor ones = at::ones({200, 500});
  const at::Tensor out = Dropout("d", 0.3).Forward(ones, Training(0));
  // 100,000 draws: the deviation of the share is 0.0014.
  EXPECT_NEAR(out.eq(0).to(at::kFloat).mean().item<double>(), 0.3, 0.007);
  EXPECT_NEAR(out.mean().item<double>(), 1, 0.01);
  EXPECT_NEAR(out.max().item<double>(), 1 / 0.7, 1e-6);
}

TEST(Dropout, NothingHappensInEvaluationOrAtZero) {
  const at::Tensor ones = at::ones({8});
  Pass evaluation = Training(0);
  evaluation.mode = Mode::kEvaluate;
  EXPECT_TRUE(Dropout("d", 0.5).Forward(ones, evaluation).is_same(ones));
  EXPECT_TRUE(Dropout("d", 0).Forward(ones, Training(0)).is_same(ones));
}

TEST(Dropout, MaskIsAFunctionOfSeedStepLayerAndElement) {
  const at::Tensor ones = at::ones({1000});
  const Dropout dropout("d", 0.5);
  const at::Tensor mask = dropout.Forward(ones, Training(4));
  EXPECT_TRUE(mask.equal(dropout.Forward(ones, Training(4))));
  EXPECT_FALSE(mask.equal(dropout.Forward(ones, Training(5))));
  EXPECT_FALSE(mask.equal(Dropout("e", 0.5).Forward(ones, Training(4))));
  Pass other = Training(4);
  other.seed = 4;
  EXPECT_FALSE(mask.equal(dropout.Forward(ones, other)));
  // A part of the batch has the mask of that part.
  EXPECT_TRUE(mask.slice(0, 0, 300).equal(dropout.Forward(at::ones({300}), Training(4))));
}

TEST(Dropout, MemoryFormatThreadsAndPrecisionDoNotMatter) {
  const Dropout dropout("d", 0.4);
  const at::Tensor plain = at::ones({4, 6, 5, 7});
  const at::Tensor expected = dropout.Forward(plain, Training(1)).eq(0);
  const int threads = at::get_num_threads();
  for (int count : {1, 3}) {
    at::set_num_threads(count);
    for (at::MemoryFormat format : {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
      for (at::ScalarType type : {at::kFloat, at::kDouble, at::kBFloat16}) {
        const at::Tensor input = plain.to(type).contiguous(format);
        const at::Tensor out = dropout.Forward(input, Training(1));
        EXPECT_TRUE(out.eq(0).equal(expected));
        EXPECT_TRUE(out.is_contiguous(format));
      }
    }
  }
  at::set_num_threads(threads);
}

TEST(Dropout, BackwardHasForwardsMask) {
  for (at::MemoryFormat format : {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
    at::Tensor input = at::ones({2, 3, 4, 4}).contiguous(format).requires_grad_();
    const at::Tensor out = Dropout("d", 0.5).Forward(input, Training(2));
    // The gradient comes in another layout than the input.
    out.mul(at::full({2, 3, 4, 4}, 3.0)).sum().backward();
    EXPECT_TRUE(input.grad().equal(out.detach().mul(3)));
  }
}

// What a GPU would compute is what the loop computes.
TEST(Dropout, OperatorsGiveTheSameMaskAsTheLoop) {
  for (double probability : {0.1, 0.5, 0.9}) {
    const at::Tensor out = Dropout("d", probability).Forward(at::ones({7, 11}), Training(9));
    const std::uint64_t key = DrawKey(Mix(3, 9), "d");
    const at::Tensor keep = KeepMask({7, 11}, key, DropThreshold(probability), at::kCPU);
    EXPECT_TRUE(out.ne(0).equal(keep)) << probability;
  }
}

}  // namespace
}  // namespace fusor
