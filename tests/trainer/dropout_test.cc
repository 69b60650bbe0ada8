// Counter-based dropout.

#include "trainer/models/dropout.h"

#include <ATen/Parallel.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "common/base/random.h"
#include "trainer/models/draw.h"
#include "trainer/models/dropout_keys.h"

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

// In the memory that it has from the beginning there is the key of whatever step is to come.
TEST(Dropout, KeysOnTheDeviceDrawTheSameMasks) {
  DropoutKeys keys([](const at::Tensor& tensor) { return tensor.clone(); });
  at::Tensor first;
  for (const std::int64_t step : {4, 6, 8}) {
    keys.Renew(step);
    for (const std::int64_t part : {0, 1}) {
      for (int layer = 0; layer < 40; ++layer) {
        const Dropout dropout("d" + std::to_string(layer), 0.4);
        Pass pass = Training(step + part);
        at::Tensor expected = at::ones({3, 5, 4, 4}).requires_grad_();
        at::Tensor input = at::ones({3, 5, 4, 4}).requires_grad_();
        dropout.Forward(expected, pass).square().sum().backward();
        pass.dropout_keys = &keys;
        dropout.Forward(input, pass).square().sum().backward();
        EXPECT_TRUE(input.grad().allclose(expected.grad()));
      }
    }
    const at::Tensor again = keys.At(3, step + 1, "d7");
    if (step == 6) first = again;
    if (step == 8) {
      EXPECT_EQ(again.const_data_ptr(), first.const_data_ptr());
    }
  }
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
    const at::Tensor base = at::full({}, static_cast<std::int64_t>(MixBase(key)), at::kLong);
    const at::Tensor keep = KeepMask({7, 11}, base, DropThreshold(probability));
    EXPECT_TRUE(out.ne(0).equal(keep)) << probability;
  }
}

}  // namespace
}  // namespace fusor
