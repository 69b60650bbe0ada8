// Every algorithm against Python's torch and against formulas in double; what a step touches, and
// what it leaves alone.

#include "trainer/optim/optimizer.h"

#include <ATen/Parallel.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <sstream>

#include "tests/trainer/agent.h"
#include "trainer/models/layers.h"
#include "trainer/optim/kernels.h"

namespace fusor {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The three ways in which a step can be made.
const std::vector<OptimizerOptions>& Ways() {
  static const std::vector<OptimizerOptions> ways = {
      {.gradients = GradientMemory::kOwn},
      {.gradients = GradientMemory::kFlat},
      {.kernels = Kernels::kFramework},
  };
  return ways;
}

const std::vector<Algorithm>& Algorithms() {
  static const std::vector<Algorithm> all = {Algorithm::kSgd, Algorithm::kAdam, Algorithm::kAdamW,
                                             Algorithm::kLion, Algorithm::kMuon};
  return all;
}

OptimizerOptions WithMomentum(OptimizerOptions way, Algorithm algorithm) {
  way.algorithm = algorithm;
  way.momentum = algorithm == Algorithm::kAdam ? 0 : 0.9;
  way.nesterov = true;
  return way;
}

Parameter Named(const std::string& name, const at::Tensor& value, bool decay = true) {
  return {name, value.clone().requires_grad_(), decay};
}

// Numbers of which no two neighbours are alike.
at::Tensor Wave(std::int64_t count, double phase) {
  return at::arange(count, at::kFloat).mul(0.7).add(phase).sin();
}

at::Tensor FromValues(const std::vector<float>& values) {
  at::Tensor tensor = at::zeros({static_cast<std::int64_t>(values.size())}, at::kFloat);
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<float>());
  return tensor;
}

bool SameBits(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor x = a.detach().contiguous();
  const at::Tensor y = b.detach().contiguous();
  return x.nbytes() == y.nbytes() &&
         std::memcmp(x.const_data_ptr(), y.const_data_ptr(), x.nbytes()) == 0;
}

std::vector<at::Tensor> Everything(const Optimizer& optimizer, const ParameterSet& parameters) {
  std::vector<at::Tensor> all;
  for (const Parameter& parameter : parameters.trained) all.push_back(parameter.value.detach());
  for (const NamedTensor& named : optimizer.state()) all.push_back(named.tensor);
  for (const NamedTensor& named : optimizer.Copies()) all.push_back(named.tensor.to(at::kFloat));
  for (at::Tensor& tensor : all) tensor = tensor.clone();
  return all;
}

// Recorded by tests/peers/optimizers.py, which says what each line means.
struct Recorded {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

std::vector<Recorded> ReadRecorded() {
  std::istringstream lines(
      testing::ReadAll(FUSOR_SOURCE_DIR "/tests/trainer/recorded/optimizers.txt"));
  std::vector<Recorded> all;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    std::string shape;
    Recorded recorded;
    words >> recorded.name >> shape;
    std::istringstream sizes(shape);
    for (std::string size; std::getline(sizes, size, 'x');)
      recorded.shape.push_back(std::stoll(size));
    for (float value; words >> value;) recorded.values.push_back(value);
    all.push_back(recorded);
  }
  return all;
}

OptimizerOptions OptionsOf(const std::string& name, OptimizerOptions options) {
  options.weight_decay = name == "sgd" ? 0 : 0.1;
  if (name == "sgd_momentum" || name == "sgd_nesterov") options.momentum = 0.9;
  options.nesterov = name == "sgd_nesterov" || name == "muon";
  if (name == "adam") options.algorithm = Algorithm::kAdam;
  if (name == "adamw") {
    options.algorithm = Algorithm::kAdamW;
    options.beta1 = 0.8;
    options.beta2 = 0.95;
    options.epsilon = 1e-6;
  }
  if (name == "lion") {
    options.algorithm = Algorithm::kLion;
    options.beta2 = 0.99;
  }
  if (name.starts_with("muon")) {
    options.algorithm = Algorithm::kMuon;
    options.momentum = 0.95;
    options.muon_rate = name == "muon" ? MuonRate::kOriginal : MuonRate::kLikeAdamW;
  }
  return options;
}

at::Tensor AfterTwentySteps(const Recorded& recorded, const OptimizerOptions& options,
                            at::MemoryFormat format) {
  const at::Tensor index = at::arange(static_cast<std::int64_t>(recorded.values.size()), at::kLong);
  const auto shaped = [&](const at::Tensor& values, double unit) {
    return values.to(at::kFloat).div(unit).view(recorded.shape).contiguous(format);
  };
  ParameterSet set;
  set.trained = {Named("w", shaped(index.mul(5).remainder(11).sub(5), 8))};
  Optimizer optimizer(options, set);
  for (int step = 0; step < 20; ++step) {
    const at::Tensor gradient = index.mul(7).add(13 * step).remainder(17).sub(8);
    set.trained[0].value.mutable_grad() = shaped(gradient, 16);
    optimizer.Step({.rates = {0.05 / (1 + step)}});
  }
  EXPECT_EQ(optimizer.steps(), 20);
  return set.trained[0].value.detach();
}

TEST(Optimizer, EqualsPythonsTorch) {
  const std::vector<Recorded> all = ReadRecorded();
  ASSERT_EQ(all.size(), 41u);
  for (const Recorded& recorded : all) {
    // Muon rounds to bf16 at each of its products; elsewhere a few roundings of fp32 differ.
    const double tolerance = recorded.name.starts_with("muon") ? 2e-3 : 5e-7;
    const at::Tensor expected = FromValues(recorded.values).view(recorded.shape).to(at::kDouble);
    for (const OptimizerOptions& way : Ways()) {
      for (const auto format : {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
        if (format == at::MemoryFormat::ChannelsLast && recorded.shape.size() != 4) continue;
        const at::Tensor found =
            AfterTwentySteps(recorded, OptionsOf(recorded.name, way), format).to(at::kDouble);
        EXPECT_LT(found.sub(expected).abs().max().item<double>(), tolerance)
            << recorded.name << " " << recorded.shape.size();
      }
    }
  }
}

// One weight by the definitions, in double.
struct Scalar {
  double w = 0;
  double m = 0;
  double v = 0;

  void Step(const OptimizerOptions& o, double g, double rate, double decay, int step) {
    const bool coupled = o.algorithm == Algorithm::kSgd || o.algorithm == Algorithm::kAdam;
    if (coupled) g += decay * w;
    if (!coupled) w *= 1 - rate * decay;
    if (o.algorithm == Algorithm::kSgd) {
      m = o.momentum * m + g;
      w -= rate * (o.nesterov ? g + o.momentum * m : m);
    } else if (o.algorithm == Algorithm::kLion) {
      const double c = o.beta1 * m + (1 - o.beta1) * g;
      w -= rate * ((c > 0) - (c < 0));
      m = o.beta2 * m + (1 - o.beta2) * g;
    } else {
      m = o.beta1 * m + (1 - o.beta1) * g;
      v = o.beta2 * v + (1 - o.beta2) * g * g;
      const double bias1 = 1 - std::pow(o.beta1, step);
      const double bias2 = 1 - std::pow(o.beta2, step);
      w -= rate * (m / bias1) / (std::sqrt(v / bias2) + o.epsilon);
    }
  }
};

// Scaled loss, clipping that bites, a rate that moves, one weight decayed and one not.
TEST(Optimizer, EqualsTheFormulas) {
  for (const OptimizerOptions& way : Ways()) {
    for (const Algorithm algorithm : Algorithms()) {
      if (algorithm == Algorithm::kMuon) continue;
      OptimizerOptions options = WithMomentum(way, algorithm);
      options.weight_decay = 0.1;
      ParameterSet set;
      set.trained = {Named("w", at::full({1}, 2.0)), Named("b", at::full({1}, 2.0), false)};
      Optimizer optimizer(options, set);
      Scalar weights[2] = {{.w = 2}, {.w = 2}};
      for (int step = 1; step <= 12; ++step) {
        const double rate = 0.1 / step;
        const double gradients[2] = {std::cos(step), 2.0 * step};
        const double norm = std::hypot(gradients[0], gradients[1]);
        const double clip = std::min(1.0, 5 / (norm + 1e-6));
        for (std::size_t i = 0; i < 2; ++i) {
          set.trained[i].value.mutable_grad() = at::full({1}, 1024 * gradients[i]);
          weights[i].Step(options, clip * gradients[i], rate, i == 0 ? 0.1 : 0, step);
        }
        const StepReport report =
            optimizer.Step({.rates = {rate}, .loss_scale = 1024, .clip_norm = 5});
        EXPECT_NEAR(report.norm(), norm, 1e-5 * norm);
        EXPECT_TRUE(report.applied());
        for (std::size_t i = 0; i < 2; ++i) {
          EXPECT_NEAR(set.trained[i].value.item<double>(), weights[i].w, 2e-6)
              << static_cast<int>(algorithm) << " step " << step << " weight " << i;
        }
      }
    }
  }
}

// LibTorch rounds the last few elements of a thread's share of the update in another way; the rest
// must be the same bits.
TEST(Optimizer, SgdIsBitForBitTheFrameworks) {
  for (const double momentum : {0.0, 0.9}) {
    for (const bool nesterov : {false, true}) {
      for (const double decay : {0.0, 5e-4}) {
        std::vector<at::Tensor> found;
        for (const OptimizerOptions& way : Ways()) {
          OptimizerOptions options = way;
          options.momentum = momentum;
          options.nesterov = nesterov && momentum > 0;
          options.weight_decay = decay;
          ParameterSet set;
          set.trained = {Named("w", Wave(4'096, 0).view({64, 64}))};
          Optimizer optimizer(options, set);
          for (int step = 0; step < 5; ++step) {
            set.trained[0].value.mutable_grad() = Wave(4'096, 1.0 + step).view({64, 64});
            optimizer.Step({.rates = {0.1}});
          }
          found.push_back(set.trained[0].value.detach().clone());
        }
        EXPECT_TRUE(SameBits(found[0], found[1]));
        EXPECT_TRUE(SameBits(found[0], found[2])) << momentum << nesterov << decay;
      }
    }
  }
}

TEST(Optimizer, TheNumberOfThreadsChangesNoBit) {
  const int before = at::get_num_threads();
  for (const Algorithm algorithm :
       {Algorithm::kSgd, Algorithm::kAdam, Algorithm::kAdamW, Algorithm::kLion}) {
    std::vector<std::vector<at::Tensor>> found;
    std::vector<double> norms;
    for (const int threads : {1, 2, 3, 5}) {
      at::set_num_threads(threads);
      OptimizerOptions options = WithMomentum({}, algorithm);
      options.weight_decay = 0.01;
      options.bfloat16_copy = true;
      ParameterSet set;
      set.trained = {Named("a", Wave(200'003, 0)), Named("b", Wave(17, 1), false),
                     Named("c", Wave(70'000, 2).view({700, 100}))};
      Optimizer optimizer(options, set);
      for (int step = 0; step < 3; ++step) {
        for (Parameter& parameter : set.trained) {
          parameter.value.mutable_grad() =
              Wave(parameter.value.numel(), 3.0 + step).view(parameter.value.sizes());
        }
        norms.push_back(optimizer.Step({.rates = {0.1}, .clip_norm = 1}).norm());
      }
      found.push_back(Everything(optimizer, set));
    }
    for (std::size_t i = 1; i < found.size(); ++i) {
      for (std::size_t k = 0; k < found[0].size(); ++k) {
        EXPECT_TRUE(SameBits(found[0][k], found[i][k])) << static_cast<int>(algorithm) << k;
      }
      EXPECT_EQ(norms[0], norms[3 * i]);
      EXPECT_EQ(norms[2], norms[3 * i + 2]);
    }
  }
  at::set_num_threads(before);
}

// Backward adds to the views in place, channels last or not, over several micro-batches.
TEST(Optimizer, FlatGradientsStayWhereTheyAre) {
  ParameterSet set;
  ModelBuilder builder(set, 2, at::kCPU);
  const Precision precision = *Precision::FromName("fp32", false);
  Conv2d conv(builder, "c", {3, 4, 3, 1});
  Linear linear(builder, "l", 4, 5);
  ParameterSet own;
  for (const Parameter& p : set.trained) own.trained.push_back(Named(p.name, p.value.detach()));
  Optimizer optimizer({.gradients = GradientMemory::kFlat}, set);
  const at::Tensor images = Wave(2 * 3 * 8 * 8, 0).view({2, 3, 8, 8});
  std::vector<const void*> places;
  for (const Parameter& p : set.trained) places.push_back(p.value.grad().const_data_ptr());
  const auto backward = [&] {
    linear.Forward(conv.Forward(images, {precision}).mean({2, 3}), {precision})
        .square()
        .sum()
        .backward();
  };
  for (int round = 0; round < 2; ++round) {
    backward();
    const std::vector<at::Tensor> once = {set.trained[0].value.grad().clone(),
                                          set.trained[1].value.grad().clone()};
    backward();
    for (std::size_t i = 0; i < places.size(); ++i) {
      const at::Tensor& gradient = set.trained[i].value.grad();
      EXPECT_EQ(gradient.const_data_ptr(), places[i]);
      EXPECT_EQ(gradient.strides(), set.trained[i].value.strides());
      EXPECT_GT(gradient.abs().sum().item<double>(), 0);
      if (i < once.size()) {
        EXPECT_TRUE(gradient.allclose(once[i].mul(2)));
      }
    }
    optimizer.Step({.rates = {0.01}});
    for (const Parameter& p : set.trained) {
      EXPECT_EQ(p.value.grad().abs().sum().item<double>(), 0) << p.name;
    }
  }
}

// The update walks raw memory: weight, gradient and moment must lie alike whatever the gradient's
// own layout.
TEST(Optimizer, GradientsOfAnotherLayoutAreTakenByIndex) {
  for (const OptimizerOptions& way : Ways()) {
    ParameterSet set;
    const at::Tensor start = Wave(2 * 3 * 4 * 5, 0).view({2, 3, 4, 5});
    set.trained = {Named("w", start.contiguous(at::MemoryFormat::ChannelsLast))};
    Optimizer optimizer(way, set);
    const at::Tensor gradient = Wave(2 * 3 * 4 * 5, 1).view({2, 3, 4, 5});
    set.trained[0].value.mutable_grad() = gradient.clone();
    optimizer.Step({.rates = {0.5}});
    EXPECT_TRUE(set.trained[0].value.detach().allclose(start.sub(gradient, 0.5)));
  }
}

TEST(Optimizer, AParameterWithoutPartInAStepHasAZeroGradient) {
  for (const OptimizerOptions& way : Ways()) {
    for (const Algorithm algorithm : Algorithms()) {
      OptimizerOptions options = WithMomentum(way, algorithm);
      options.weight_decay = 0.1;
      std::vector<at::Tensor> found;
      for (const bool zeros : {false, true}) {
        ParameterSet set;
        set.trained = {Named("used", Wave(20, 0).view({4, 5})),
                       Named("idle", Wave(20, 1).view({4, 5}))};
        Optimizer optimizer(options, set);
        for (int step = 0; step < 3; ++step) {
          set.trained[0].value.mutable_grad() = Wave(20, 2).view({4, 5});
          if (step == 0) {
            set.trained[1].value.mutable_grad() = Wave(20, 3).view({4, 5});
          } else if (zeros) {
            set.trained[1].value.mutable_grad() = at::zeros({4, 5});
          }
          optimizer.Step({.rates = {0.1}, .clip_norm = 1});
        }
        found.push_back(set.trained[1].value.detach().clone());
      }
      EXPECT_TRUE(SameBits(found[0], found[1])) << static_cast<int>(algorithm);
    }
  }
}

TEST(Optimizer, OverflowSkipsEverything) {
  for (const OptimizerOptions& way : Ways()) {
    for (const Algorithm algorithm : Algorithms()) {
      for (const double bad : {kInfinity, -kInfinity, std::nan("")}) {
        OptimizerOptions options = WithMomentum(way, algorithm);
        options.weight_decay = 0.1;
        options.bfloat16_copy = true;
        ParameterSet set;
        set.trained = {Named("w", Wave(20, 0).view({4, 5})), Named("b", Wave(3, 1), false)};
        Optimizer optimizer(options, set);
        const auto step = [&](double last) {
          set.trained[0].value.mutable_grad() = Wave(20, 2).view({4, 5});
          set.trained[1].value.mutable_grad() = FromValues({1, 2, static_cast<float>(last)});
          return optimizer.Step(
              {.rates = {0.1}, .loss_scale = 8, .clip_norm = 1, .skip_nonfinite = true});
        };
        EXPECT_TRUE(step(3).applied());
        const std::vector<at::Tensor> before = Everything(optimizer, set);
        EXPECT_FALSE(step(bad).applied());
        EXPECT_EQ(optimizer.steps(), 1);
        const std::vector<at::Tensor> after = Everything(optimizer, set);
        for (std::size_t i = 0; i < before.size(); ++i) {
          EXPECT_TRUE(SameBits(before[i], after[i])) << static_cast<int>(algorithm) << i;
        }
        EXPECT_TRUE(step(3).applied());
        EXPECT_TRUE(std::isfinite(set.trained[1].value.sum().item<double>()));
        EXPECT_EQ(optimizer.steps(), 2);
      }
    }
  }
}

// After 100 steps with zero gradients what decays is (1 - rate * decay)^100 of what it was.
TEST(Optimizer, NormsAndBiasesDoNotDecay) {
  for (const OptimizerOptions& way : Ways()) {
    for (const Algorithm algorithm :
         {Algorithm::kSgd, Algorithm::kAdamW, Algorithm::kLion, Algorithm::kMuon}) {
      OptimizerOptions options = way;
      options.algorithm = algorithm;
      options.weight_decay = 0.2;
      ParameterSet set;
      set.trained = {Named("w", Wave(20, 0).view({4, 5})), Named("v", Wave(20, 1)),
                     Named("norm", Wave(20, 2), false),
                     Named("embedding", Wave(20, 3).view({5, 4}), false)};
      std::vector<at::Tensor> before;
      for (const Parameter& p : set.trained) before.push_back(p.value.detach().clone());
      Optimizer optimizer(options, set);
      for (int step = 0; step < 100; ++step) {
        for (Parameter& p : set.trained) p.value.mutable_grad() = at::zeros(p.value.sizes());
        optimizer.Step({.rates = {0.05}});
      }
      const double kept = std::pow(1 - 0.05 * 0.2, 100);
      for (std::size_t i = 0; i < 4; ++i) {
        const at::Tensor found = set.trained[i].value.detach();
        const bool right =
            i < 2 ? found.allclose(before[i].mul(kept), 2e-5, 0) : SameBits(found, before[i]);
        EXPECT_TRUE(right) << set.trained[i].name << " " << static_cast<int>(algorithm);
      }
    }
  }
}

struct Components {
  Components() {
    for (const char* name : {"experts", "fusion", "global"}) {
      groups.push_back({name, {Named(std::string(name) + ".w", at::zeros({2}))}, 0});
    }
  }
  void SetGradients(double scale = 1) {
    for (std::size_t i = 0; i < 3; ++i) {
      const float size = static_cast<float>(scale) * (i == 0 ? 1.0F : i == 1 ? 2.0F : 3.0F);
      groups[i].parameters[0].value.mutable_grad() = FromValues({2 * size, size});
    }
  }
  double Length(std::size_t i) const { return groups[i].parameters[0].value.norm().item<double>(); }
  std::vector<ParameterGroup> groups;
};

TEST(Optimizer, ClipsAllGroupsTogetherOrEachByItself) {
  const double root = std::sqrt(5.0);  // norms: 1, 2, 3 times this, together sqrt(14)
  for (const OptimizerOptions& way : Ways()) {
    for (const double scale : {1.0, 65'536.0}) {
      Components joint;
      Optimizer one(way, joint.groups);
      joint.SetGradients(scale);
      const StepReport report =
          one.Step({.rates = {1, 10, 100}, .loss_scale = scale, .clip_norm = 2});
      EXPECT_NEAR(report.norm(), std::sqrt(14.0) * root, 1e-5);
      EXPECT_NEAR(report.norm(1), 2 * root, 1e-5);
      for (std::size_t i = 0; i < 3; ++i) {
        const double expected = static_cast<double>(i + 1) * 2 / std::sqrt(14.0);
        EXPECT_NEAR(joint.Length(i), expected * std::pow(10, i), 1e-4 * std::pow(10, i)) << i;
      }
      Components own;
      Optimizer each(way, own.groups);
      own.SetGradients(scale);
      each.Step({.rates = {1}, .loss_scale = scale, .clip_norms = {0.5, 100, 0}});
      EXPECT_NEAR(own.Length(0), 0.5, 1e-5);
      EXPECT_NEAR(own.Length(1), 2 * root, 1e-5);
      EXPECT_NEAR(own.Length(2), 3 * root, 1e-5);
    }
  }
}

// Parameters side by side in one memory move as each would by itself.
TEST(Optimizer, PackedParametersMoveAsSingleOnes) {
  for (const OptimizerOptions& way : Ways()) {
    for (const Algorithm algorithm : Algorithms()) {
      OptimizerOptions options = WithMomentum(way, algorithm);
      options.weight_decay = 0.1;
      const auto make = [] {
        return std::vector<Parameter>{
            Named("conv", Wave(16 * 3 * 3 * 3, 0)
                              .view({16, 3, 3, 3})
                              .contiguous(at::MemoryFormat::ChannelsLast)),
            Named("bias", Wave(16, 1), false), Named("head", Wave(16 * 10, 2).view({10, 16})),
            Named("head_bias", Wave(32, 3), false)};
      };
      const auto step = [](Optimizer& optimizer, std::vector<Parameter>& parameters, int number) {
        for (Parameter& p : parameters) {
          p.value.mutable_grad() = at::empty_like(p.value.detach());
          p.value.mutable_grad().copy_(Wave(p.value.numel(), number).view(p.value.sizes()));
        }
        optimizer.Step({.rates = {0.1}, .loss_scale = 4, .skip_nonfinite = true});
      };
      ParameterSet packed{make(), {}};
      Optimizer together(options, packed);
      for (int number = 0; number < 4; ++number) step(together, packed.trained, number);
      for (std::size_t i = 0; i < packed.trained.size(); ++i) {
        ParameterSet single{{make()[i]}, {}};
        Optimizer alone(options, single);
        for (int number = 0; number < 4; ++number) step(alone, single.trained, number);
        EXPECT_TRUE(SameBits(packed.trained[i].value, single.trained[0].value))
            << static_cast<int>(algorithm) << " " << packed.trained[i].name;
      }
    }
  }
}

TEST(Optimizer, GroupsDecayByTheirOwn) {
  for (const OptimizerOptions& way : Ways()) {
    std::vector<ParameterGroup> groups = {{"a", {Named("a", at::full({3}, 1.0))}, 0.5},
                                          {"b", {Named("b", at::full({3}, 1.0))}, 0}};
    Optimizer optimizer(way, groups);
    optimizer.Step({.rates = {0.1, 0.2}});
    EXPECT_NEAR(groups[0].parameters[0].value[2].item<double>(), 0.95, 1e-6);
    EXPECT_EQ(groups[1].parameters[0].value[2].item<double>(), 1);
  }
}

TEST(Optimizer, ATiedWeightCountsOnce) {
  for (const OptimizerOptions& way : Ways()) {
    ParameterSet set;
    set.trained = {Named("embedding", at::full({4}, 1.0), false)};
    set.trained.push_back({"head", set.trained[0].value, true});
    Optimizer optimizer(way, set);
    set.trained[0].value.mutable_grad() = at::full({4}, 1.0);
    const StepReport report = optimizer.Step({.rates = {0.5}, .want_norm = true});
    EXPECT_NEAR(report.norm(), 2, 1e-6);
    EXPECT_EQ(set.trained[1].value[3].item<double>(), 0.5);
  }
}

TEST(Optimizer, NormIsUnknownWhereNobodyNeedsIt) {
  for (const OptimizerOptions& way : Ways()) {
    Components components;
    Optimizer optimizer(way, components.groups);
    components.SetGradients();
    EXPECT_TRUE(std::isnan(optimizer.Step({.rates = {1}}).norm()));
  }
}

// What a checkpoint keeps is all there is.
TEST(Optimizer, GoesOnFromItsStateBitForBit) {
  for (const OptimizerOptions& way : Ways()) {
    for (const Algorithm algorithm : Algorithms()) {
      OptimizerOptions options = WithMomentum(way, algorithm);
      options.weight_decay = 0.1;
      options.bfloat16_copy = true;
      const auto make = [] {
        ParameterSet set;
        set.trained = {Named("w", Wave(20, 0).view({4, 5})), Named("b", Wave(3, 1), false)};
        return set;
      };
      const auto steps = [](Optimizer& optimizer, ParameterSet& set, int from, int to) {
        for (int step = from; step < to; ++step) {
          for (Parameter& p : set.trained) {
            p.value.mutable_grad() = Wave(p.value.numel(), 2.0 + step).view(p.value.sizes());
          }
          optimizer.Step({.rates = {0.1}});
        }
      };
      ParameterSet straight = make();
      Optimizer whole(options, straight);
      steps(whole, straight, 0, 5);
      ParameterSet resumed = make();
      Optimizer second(options, resumed);
      for (std::size_t i = 0; i < 2; ++i) {
        resumed.trained[i].value.detach().copy_(straight.trained[i].value.detach());
      }
      for (std::size_t i = 0; i < whole.state().size(); ++i) {
        EXPECT_EQ(second.state()[i].name, whole.state()[i].name);
        at::Tensor(second.state()[i].tensor).copy_(whole.state()[i].tensor);
      }
      second.Restored();
      EXPECT_TRUE(SameBits(second.Copies()[0].tensor, whole.Copies()[0].tensor));
      steps(whole, straight, 5, 9);
      steps(second, resumed, 5, 9);
      const std::vector<at::Tensor> expected = Everything(whole, straight);
      const std::vector<at::Tensor> found = Everything(second, resumed);
      for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_TRUE(SameBits(expected[i], found[i])) << static_cast<int>(algorithm) << i;
      }
    }
  }
}

TEST(Optimizer, StateHasNamesAndMuonNoMomentItDoesNotNeed) {
  ParameterSet set;
  set.trained = {Named("w", at::zeros({4, 5})), Named("b", at::zeros({3}), false)};
  const auto names = [&](Algorithm algorithm, double momentum) {
    Optimizer optimizer({.algorithm = algorithm, .momentum = momentum}, set);
    std::string all;
    for (const NamedTensor& named : optimizer.state()) all += named.name + " ";
    return all;
  };
  EXPECT_EQ(names(Algorithm::kSgd, 0), "step ");
  EXPECT_EQ(names(Algorithm::kSgd, 0.9), "momentum.w momentum.b step ");
  EXPECT_EQ(names(Algorithm::kLion, 0), "momentum.w momentum.b step ");
  EXPECT_EQ(names(Algorithm::kAdamW, 0), "mean.w mean.b square.w square.b step ");
  EXPECT_EQ(names(Algorithm::kMuon, 0.9), "mean.w mean.b square.b step ");
}

TEST(Optimizer, CopiesAreTheWeightsInBfloat16) {
  for (const OptimizerOptions& way : Ways()) {
    for (const Algorithm algorithm : {Algorithm::kAdamW, Algorithm::kMuon}) {
      OptimizerOptions options = WithMomentum(way, algorithm);
      options.bfloat16_copy = true;
      ParameterSet set;
      set.trained = {
          Named("w", Wave(120, 0).view({2, 3, 4, 5}).contiguous(at::MemoryFormat::ChannelsLast)),
          Named("b", Wave(3'000, 1), false)};
      Optimizer optimizer(options, set);
      for (int step = 0; step < 2; ++step) {
        for (std::size_t i = 0; i < 2; ++i) {
          const at::Tensor value = set.trained[i].value.detach();
          EXPECT_TRUE(SameBits(optimizer.Copies()[i].tensor, value.to(at::kBFloat16)));
          set.trained[i].value.mutable_grad() = value.clone();
        }
        optimizer.Step({.rates = {0.1}});
      }
    }
  }
}

TEST(Optimizer, AutogradNoticesThatWeightsMoved) {
  for (const OptimizerOptions& way : Ways()) {
    ParameterSet set;
    set.trained = {Named("w", at::full({3}, 1.0))};
    Optimizer optimizer(way, set);
    at::Tensor loss = set.trained[0].value.square().sum();
    optimizer.Step({.rates = {0.1}});
    EXPECT_ANY_THROW(loss.backward());
  }
}

TEST(Optimizer, NothingToTrainIsNoStep) {
  Optimizer optimizer({}, ParameterSet());
  EXPECT_TRUE(optimizer.Step({.rates = {0.1}, .clip_norm = 1}).applied());
  EXPECT_EQ(optimizer.steps(), 1);
}

// All values that end at a boundary of bf16, half way to the next or beside that.
TEST(Kernels, Bfloat16IsRoundedAsLibTorchDoes) {
  std::vector<float> values;
  for (std::uint32_t high = 0; high < 65'536; ++high) {
    for (const std::uint32_t low : {0x0000U, 0x0001U, 0x7FFFU, 0x8000U, 0x8001U, 0xFFFFU}) {
      const std::uint32_t bits = (high << 16) | low;
      float value = 0;
      std::memcpy(&value, &bits, sizeof value);
      values.push_back(value);
    }
  }
  std::vector<std::uint16_t> found(values.size());
  ToBfloat16(values.data(), found.data(), static_cast<std::int64_t>(values.size()));
  const at::Tensor expected = FromValues(values).to(at::kBFloat16);
  const auto* bits = static_cast<const std::uint16_t*>(expected.const_data_ptr());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) {
      EXPECT_GT(found[i] & 0x7FFF, 0x7F80);
    } else {
      ASSERT_EQ(found[i], bits[i]) << values[i];
    }
  }
}

TEST(Kernels, SumOfSquaresSeesEveryElementAndNoFalseOverflow) {
  for (const std::int64_t count : {0, 1, 15, 16, 17, 100}) {
    std::vector<float> values(static_cast<std::size_t>(count));
    std::iota(values.begin(), values.end(), 1.0F);
    const double n = static_cast<double>(count);
    EXPECT_EQ(SumOfSquares(values.data(), count), n * (n + 1) * (2 * n + 1) / 6);
    for (float& value : values) {
      const float kept = value;
      value = std::numeric_limits<float>::quiet_NaN();
      EXPECT_FALSE(std::isfinite(SumOfSquares(values.data(), count)));
      value = kept;
    }
  }
  const std::vector<float> large(100, 3e38F);
  EXPECT_TRUE(std::isfinite(SumOfSquares(large.data(), 100)));
}

}  // namespace
}  // namespace fusor
