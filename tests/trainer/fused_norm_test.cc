// The fused norm against LibTorch's operators one after the other.

#include "trainer/models/fused_norm.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace fusor {
namespace {

constexpr double kShare = 0.1;
constexpr double kEpsilon = 1e-5;
constexpr at::MemoryFormat kLast = at::MemoryFormat::ChannelsLast;

struct Shape {
  std::vector<std::int64_t> sizes;
  double mean = 0.5;
};

struct Case {
  Shape shape;
  at::ScalarType type = at::kDouble;
  bool batch_statistics = true;
  bool branch = false;
  bool relu = true;
};

// What a norm takes and what comes of it.
struct Trial {
  at::Tensor input;
  at::Tensor branch;
  NormTensors norm;
  at::Tensor out;

  std::vector<at::Tensor> Results() const {
    std::vector<at::Tensor> results{out,       input.grad(), norm.weight.grad(), norm.bias.grad(),
                                    norm.mean, norm.variance};
    if (branch.defined()) results.push_back(branch.grad());
    return results;
  }
};

at::Tensor Drawn(const std::vector<std::int64_t>& sizes, at::ScalarType type, std::uint64_t seed) {
  at::manual_seed(seed);
  return at::randn(sizes, at::kDouble).to(type);
}

Trial Begin(const Case& c) {
  const at::ScalarType master = c.type == at::kBFloat16 ? at::kFloat : c.type;
  const std::int64_t channels = c.shape.sizes[1];
  Trial run;
  run.input = Drawn(c.shape.sizes, c.type, 1).add(c.shape.mean).contiguous(kLast).requires_grad_();
  if (c.branch) run.branch = Drawn(c.shape.sizes, c.type, 2).contiguous(kLast).requires_grad_();
  run.norm = {Drawn({channels}, master, 3).add(1).requires_grad_(),
              Drawn({channels}, master, 4).requires_grad_(), Drawn({channels}, master, 5),
              Drawn({channels}, master, 6).abs().add(0.5)};
  return run;
}

void Finish(Trial& run, const Case& c) {
  const at::Tensor gradient = Drawn(c.shape.sizes, c.type, 7);
  run.out.backward(gradient);
}

Trial Fused(const Case& c) {
  Trial run = Begin(c);
  EXPECT_TRUE(FusedNormTakes(run.input, run.norm.weight));
  run.out = FusedNorm(run.input, run.branch, run.norm,
                      {.batch_statistics = c.batch_statistics,
                       .relu = c.relu,
                       .share = kShare,
                       .epsilon = kEpsilon});
  Finish(run, c);
  return run;
}

Trial OneByOne(const Case& c) {
  Trial run = Begin(c);
  run.out = at::batch_norm(run.input, run.norm.weight, run.norm.bias, run.norm.mean,
                           run.norm.variance, c.batch_statistics, kShare, kEpsilon, false);
  if (c.branch) run.out = run.out.add(run.branch);
  if (c.relu) run.out = at::relu(run.out);
  Finish(run, c);
  return run;
}

std::string Name(const Case& c) {
  return std::string(at::toString(c.type)) + (c.batch_statistics ? " batch" : " running") +
         (c.branch ? " branch" : "") + (c.relu ? " relu" : "");
}

// Each within `share` of its largest magnitude.
void ExpectClose(const Case& c, double share) {
  SCOPED_TRACE(Name(c));
  const std::vector<at::Tensor> ours = Fused(c).Results();
  const std::vector<at::Tensor> theirs = OneByOne(c).Results();
  ASSERT_EQ(ours.size(), theirs.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    EXPECT_EQ(ours[i].scalar_type(), theirs[i].scalar_type());
    const at::Tensor exact = theirs[i].to(at::kDouble);
    const double largest = exact.abs().max().item<double>();
    const double off = ours[i].to(at::kDouble).sub(exact).abs().max().item<double>();
    EXPECT_LE(off, share * largest) << "result " << i;
  }
}

template <class Try>
void ForCases(const Shape& shape, at::ScalarType type, const Try& attempt) {
  for (const bool batch : {true, false}) {
    for (const bool branch : {true, false}) {
      for (const bool relu : {true, false}) attempt(Case{shape, type, batch, branch, relu});
    }
  }
}

// Channel counts below, at and beyond a vector; one row; more than one task.
const std::vector<Shape> kShapes = {
    {{4, 3, 5, 7}}, {{2, 16, 8, 8}}, {{3, 21, 1, 1}}, {{1, 70, 9, 9}}, {{40, 64, 16, 16}}};

TEST(FusedNorm, EqualsLibTorchInDouble) {
  for (const Shape& shape : kShapes) {
    ForCases(shape, at::kDouble, [](const Case& c) { ExpectClose(c, 1e-11); });
  }
}

TEST(FusedNorm, EqualsLibTorchInSingle) {
  for (const Shape& shape : kShapes) {
    ForCases(shape, at::kFloat, [](const Case& c) { ExpectClose(c, 1e-5); });
  }
}

// LibTorch rounds to 16 bits after each operator, this one once: compared with what it makes in
// fp32, which is compared with LibTorch above. The range is the same: nothing is rounded to zero.
TEST(FusedNorm, HalfIsRoundedOnceAtTheEnd) {
  ForCases({{8, 24, 6, 6}}, at::kBFloat16, [](const Case& c) {
    SCOPED_TRACE(Name(c));
    const Trial half = Fused(c);
    Trial exact = Begin(c);
    exact.input = exact.input.detach().to(at::kFloat).requires_grad_();
    if (c.branch) exact.branch = exact.branch.detach().to(at::kFloat).requires_grad_();
    exact.out = FusedNorm(exact.input, exact.branch, exact.norm,
                          {.batch_statistics = c.batch_statistics,
                           .relu = c.relu,
                           .share = kShare,
                           .epsilon = kEpsilon});
    exact.out.backward(Drawn(c.shape.sizes, c.type, 7).to(at::kFloat));
    const auto ours = half.Results();
    const auto wanted = exact.Results();
    for (std::size_t i = 0; i < ours.size(); ++i) {
      EXPECT_TRUE(ours[i].equal(wanted[i].to(ours[i].scalar_type()))) << "result " << i;
    }
  });
}

// A variance of 1 beside a mean of 3,000: what a difference of squares in fp32 would lose.
TEST(FusedNorm, SmallVarianceBesideALargeMean) {
  const Shape shape{{32, 8, 16, 16}, 3'000};
  const Trial exact = Fused({shape, at::kDouble});
  const Trial single = Fused({shape, at::kFloat});
  const at::Tensor off = single.norm.variance.to(at::kDouble).sub(exact.norm.variance).abs();
  EXPECT_LE(off.max().item<double>(), 1e-4);
  // The input's own rounding is 1.2e-4.
  EXPECT_LE(single.out.to(at::kDouble).sub(exact.out).abs().max().item<double>(), 2e-3);
}

TEST(FusedNorm, ThreadsDoNotMatter) {
  const Case c{{{40, 64, 16, 16}}, at::kFloat, true, true, true};
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto alone = Fused(c).Results();
  at::set_num_threads(3);
  const auto three = Fused(c).Results();
  at::set_num_threads(threads);
  for (std::size_t i = 0; i < alone.size(); ++i) EXPECT_TRUE(alone[i].equal(three[i])) << i;
}

// A loss that is no number has to show.
TEST(FusedNorm, NanStaysNan) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    Trial run = Begin({{{4, 8, 4, 4}}, type});
    at::Tensor spoiled = run.input.detach().clone();
    spoiled[0][2][1][1] = std::numeric_limits<double>::quiet_NaN();
    const at::Tensor out =
        FusedNorm(spoiled, {}, run.norm, {.relu = true, .share = kShare, .epsilon = kEpsilon});
    EXPECT_EQ(out.isnan().sum().item<int>(), 1);
  }
}

TEST(FusedNorm, LeavesOthersToLibTorch) {
  const at::Tensor weight = at::ones({4});
  const at::Tensor plain = at::ones({2, 4, 3, 3});
  EXPECT_TRUE(FusedNormTakes(plain.contiguous(kLast), weight));
  EXPECT_FALSE(FusedNormTakes(plain, weight));
  EXPECT_FALSE(FusedNormTakes(plain.contiguous(kLast).to(at::kHalf), weight));
  EXPECT_FALSE(FusedNormTakes(plain.contiguous(kLast).to(at::kDouble), weight));
  EXPECT_FALSE(FusedNormTakes(at::ones({1, 4, 1, 1}), weight));  // no variance
  EXPECT_FALSE(FusedNormTakes(at::ones({2, 4}), weight));
  EXPECT_FALSE(FusedNormTakes(plain.contiguous(kLast).to(at::kMeta), weight));
}

}  // namespace
}  // namespace fusor
