// Where the parts of a fusion begin: files of this program and of others, in any mixture.

#include "trainer/recipes/initial.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/trainer/agent.h"
#include "trainer/engine/checkpoint.h"
#include "trainer/io/component.h"
#include "trainer/recipes/export.h"
#include "trainer/recipes/fused_model.h"

namespace fusor {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TemporaryDirectory;
using testing::WriteAll;

constexpr std::size_t kExperts = 4;

class InitialTest : public ::testing::Test {
 protected:
  static Config ConfigWith(ParamValues more) {
    more.insert({{"width", std::int64_t{2}}, {"depth", std::int64_t{10}}});
    auto config = MakeConfig(*FindRecipe("fusion"), std::move(more));
    EXPECT_TRUE(config.ok()) << config.status().message();
    return *config;
  }
  static std::unique_ptr<FusedModel> Model(const Config& config, std::uint64_t seed = 0) {
    FusedOptions options = FusedOptionsOf(config, 10);
    options.seed = seed;
    auto model = FusedModel::Make(options, at::kCPU);
    EXPECT_TRUE(model.ok());
    return std::move(*model);
  }
  Status Fill(FusedModel& model, const Config& config, const std::string& division = "") const {
    Job job;
    job.recipe = FindRecipe("fusion");
    job.config = config;
    return FillInitial(job, division, kExperts, model.parameters());
  }
  // The parts as this program writes them, with all names changed by `rename`.
  template <class Rename>
  void Save(FusedModel& model, const std::string& prefix, const std::string& stem,
            const Rename& rename) {
    std::vector<NamedTensor> tensors = Tensors(model.parameters(), prefix);
    for (NamedTensor& named : tensors) named.name = rename(named.name);
    ASSERT_TRUE(SaveComponent(Path(stem), tensors, facts_).ok());
  }
  void Save(FusedModel& model, const std::string& prefix, const std::string& stem) {
    Save(model, prefix, stem, [](const std::string& name) { return name; });
  }
  static std::string Expert(std::size_t k) { return "experts." + std::to_string(k) + "."; }
  std::string Path(const std::string& name) const { return root_.path() + "/" + name; }

  static bool Same(FusedModel& a, FusedModel& b, const std::string& prefix = "") {
    const auto left = Tensors(a.parameters(), prefix);
    const auto right = Tensors(b.parameters(), prefix);
    EXPECT_FALSE(left.empty());
    return std::equal(left.begin(), left.end(), right.begin(),
                      [](const auto& one, const auto& two) {
                        return one.name == two.name && one.tensor.equal(two.tensor);
                      });
  }

  at::NoGradGuard no_grad_;
  TemporaryDirectory root_;
  ComponentFacts facts_;  // of what is saved
};

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// Files made elsewhere: plain names, published names, both kinds, other names for tensors.
TEST_F(InitialTest, AFolderOfParts) {
  const Config config = ConfigWith({{"init_experts", Path("given")}});
  const auto source = Model(config, 1);
  Save(*source, Expert(0), "given/expert_0_best");
  Save(*source, Expert(1), "given/expert_1_best", [](const std::string& name) {
    return Replaced(Replaced("module." + name, "downsample", "shortcut"), "fc.", "linear.");
  });
  fs::remove(Path("given/expert_1_best.safetensors"));
  Save(*source, Expert(2), "given/resnet_expert_2_best");
  Save(*source, Expert(3), "given/resnet_expert_3_alpha_0.5_best");
  WriteAll(Path("given/expert_2_last.pth"), "not read");
  const auto model = Model(config, 2);
  ASSERT_FALSE(Same(*model, *source, "experts."));
  const Status filled = Fill(*model, config);
  ASSERT_TRUE(filled.ok()) << filled.message();
  EXPECT_TRUE(Same(*model, *source, "experts."));
  EXPECT_FALSE(Same(*model, *source, "fusion.mlp."));

  Save(*source, Expert(2), "given/densenet_expert_2_best");
  EXPECT_THAT(Fill(*model, config).message(),
              HasSubstr("which of densenet_expert_2_best, resnet_expert_2_best is expert 2?"));
}

TEST_F(InitialTest, PartsOfAnotherDivisionAreRefused) {
  const Config config = ConfigWith({{"init_experts", Path("given")}});
  const auto source = Model(config, 1);
  facts_.division = "one";
  for (const char* k : {"0", "1", "2", "3"}) {
    Save(*source, std::string("experts.") + k + ".", std::string("given/expert_") + k + "_best");
  }
  const auto model = Model(config, 2);
  EXPECT_TRUE(Fill(*model, config, "one").ok());
  EXPECT_TRUE(Fill(*model, config).ok());  // nothing is known of the images here
  EXPECT_THAT(Fill(*model, config, "two").message(),
              HasSubstr("was trained with another division of the images"));
}

// All parts of another run, and the module alone of a third one.
TEST_F(InitialTest, WholeRuns) {
  const Config both = ConfigWith({{"init_experts", Path("run")},
                                  {"init_fusion", Path("other/best/model.safetensors")},
                                  {"init_global", Path("run")}});
  const auto run = Model(both, 1);
  const auto other = Model(both, 2);
  ASSERT_TRUE(SaveModel(Path("run/best/model.safetensors"), run->parameters(), {}).ok());
  ASSERT_TRUE(SaveModel(Path("other/best/model.safetensors"), other->parameters(), {}).ok());
  const auto model = Model(both, 3);
  const Status filled = Fill(*model, both);
  ASSERT_TRUE(filled.ok()) << filled.message();
  EXPECT_TRUE(Same(*model, *run, "experts."));
  EXPECT_TRUE(Same(*model, *run, "global_head."));
  EXPECT_TRUE(Same(*model, *other, "fusion."));
}

// What Python saves of a whole model with its own names.
TEST_F(InitialTest, AWholeModelMadeElsewhere) {
  const std::string file = Path("complete_best.pth");
  const Config config =
      ConfigWith({{"init_experts", file}, {"init_fusion", file}, {"init_global", file}});
  const auto source = Model(config, 1);
  Save(*source, "", "complete_best", [](const std::string& name) {
    return Replaced(Replaced(name, "experts.", "expert_backbones."), "fusion.", "fusion_module.");
  });
  const auto model = Model(config, 2);
  const Status filled = Fill(*model, config);
  ASSERT_TRUE(filled.ok()) << filled.message();
  EXPECT_TRUE(Same(*model, *source));
}

TEST_F(InitialTest, AdaptersBelongToTheFusionModule) {
  const std::string run = Path("run/last/model.safetensors");
  FusedOptions options = FusedOptionsOf(ConfigWith({{"fusion", "concatenation"}}), 10);
  options.experts[1] = {.model = "densenet", .classes = 10, .depth = 10, .width = 8, .growth = 4};
  auto source = FusedModel::Make(options, at::kCPU);
  options.seed = 7;
  auto model = FusedModel::Make(options, at::kCPU);
  ASSERT_TRUE(source.ok() && model.ok());
  ASSERT_FALSE(Tensors((*source)->parameters(), "adapters.").empty());
  ASSERT_TRUE(SaveModel(run, (*source)->parameters(), {}).ok());
  std::vector<NamedTensor> module = Tensors((*source)->parameters(), "fusion.");
  for (const NamedTensor& tensor : Tensors((*source)->parameters(), "adapters.")) {
    module.push_back({"adapters." + tensor.name, tensor.tensor});
  }
  ASSERT_TRUE(SaveComponent(Path("module"), module, {}).ok());
  for (const std::string& file : {run, Path("module.pth"), Path("run")}) {
    const Status filled = Fill(**model, ConfigWith({{"init_fusion", file}}));
    ASSERT_TRUE(filled.ok()) << filled.message();
    EXPECT_TRUE(Same(**model, **source, "adapters."));
    EXPECT_TRUE(Same(**model, **source, "fusion."));
    for (const NamedTensor& tensor : Tensors((*model)->parameters(), "adapters.")) {
      tensor.tensor.zero_();
    }
  }
}

TEST_F(InitialTest, AllThatIsWrongIsSaidAtOnce) {
  const Config config = ConfigWith({{"init_experts", Path("given")},
                                    {"init_fusion", Path("no.pth")},
                                    {"init_global", Path("given")}});
  const auto model = Model(config);
  ASSERT_TRUE(SaveComponent(Path("given/expert_1_best"),
                            std::vector<NamedTensor>{{"conv1.weight", at::zeros({3})}}, {})
                  .ok());
  WriteAll(Path("given/expert_2_best.pth"), "no pickle");
  const Status status = Fill(*model, config);
  EXPECT_EQ(status.code(), Code::kDataLoss);
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("given/expert_0_best.safetensors or .pth: there is no such file"),
                    HasSubstr("expert_1_best.safetensors: does not fit: "),
                    HasSubstr("'conv1.weight' is F32[3], expected F32[2,3,3,3]"),
                    HasSubstr("expert_2_best.pth"), HasSubstr("given/expert_3_best"),
                    HasSubstr("init_fusion: " + Path("no.pth") + ": there is no such file"),
                    HasSubstr("given/best/model.safetensors: there is no such file")));
}

TEST_F(InitialTest, OneModelIsNotFour) {
  const Config config = ConfigWith({{"init_experts", Path("one.pth")}});
  const auto model = Model(config);
  Save(*model, Expert(0), "one");
  const std::string message = Fill(*model, config).message();
  EXPECT_THAT(message,
              AllOf(HasSubstr("holds one model, not those of all experts"), Not(HasSubstr("\n"))));
  const Config two = ConfigWith({{"init_experts", Path("one.pth") + "," + Path("one.pth")}});
  EXPECT_THAT(Fill(*model, two).message(), HasSubstr("2 sets of weights for 4 experts"));
}

}  // namespace
}  // namespace fusor
