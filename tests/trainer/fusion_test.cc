// The fusion recipe through the real program, and what it is made of.

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "tests/trainer/agent.h"
#include "trainer/io/safetensors.h"

namespace fusor::testing {
namespace {

constexpr char kTiny[] =
    R"("width":4,"depth":10,"batch_size":16,"subset":64,"evaluate_subset":64,"epochs":2)";

class FusionTest : public ::testing::Test {
 protected:
  Trial Spawn(const std::string& config, const std::string& folder, const std::string& more = "",
              const std::string& recipe = "fusion") {
    return agent_.Spawn(
        {.recipe = recipe, .config = "{" + std::string(kTiny) + config + "}", .more = more},
        Folder(folder));
  }
  void Run(const std::string& config, const std::string& folder, const std::string& more = "") {
    Trial trial = Spawn(config, folder, more);
    EXPECT_EQ(trial.Finish().code, 0) << config;
  }
  std::string Folder(const std::string& name) const { return root_.path() + "/" + name; }

  // Four trained experts; the text of a job that takes them as inputs.
  std::string TrainExperts() {
    std::string inputs;
    for (int k = 0; k < 4; ++k) {
      const std::string folder = "expert" + std::to_string(k);
      Trial trial = Spawn(R"(,"expert":)" + std::to_string(k), folder, "", "expert");
      EXPECT_EQ(trial.Finish().code, 0);
      inputs += std::string(k > 0 ? "," : "") + R"({"trial":"1.experts.)" + std::to_string(k) +
                R"(","files":[{"name":"best/model.safetensors","path":")" +
                Folder(folder + "/best/model.safetensors") + R"("}]})";
    }
    return R"(,"inputs":[)" + inputs + "]";
  }

  static at::Tensor TensorOf(const std::string& path, const std::string& name) {
    auto file = SafetensorsFile::Open(path);
    EXPECT_TRUE(file.ok()) << path;
    const TensorEntry* entry = file->Find(name);
    EXPECT_NE(entry, nullptr) << path << " has no " << name;
    return *file->Read(*entry);
  }
  std::string Part(const std::string& folder, const std::string& stem) const {
    return Folder(folder + "/fusion_checkpoints/resnet_fusions/multiplicative/" + stem +
                  ".safetensors");
  }
  // Is expert 2 of the run as it was when its own training ended?
  bool ExpertIsAsTrained(const std::string& folder) const {
    return TensorOf(Part(folder, "experts/resnet_expert_2_last"), kWeight)
        .equal(TensorOf(Folder("expert2/best/model.safetensors"), kWeight));
  }

  static constexpr char kWeight[] = "layer1.0.conv1.weight";

  Agent agent_;
  TemporaryDirectory root_;
};

// Rows of the table, without the time in the last column.
std::vector<std::string> Rows(const std::string& path) {
  std::istringstream text(ReadAll(path));
  std::vector<std::string> rows;
  for (std::string line; std::getline(text, line);) {
    rows.push_back(line.substr(0, line.rfind(',')));
  }
  return rows;
}

TEST_F(FusionTest, FilesAndColumnsAreThePublishedOnes) {
  Run(R"(,"fusion":"TransformerBase","alpha":0.5,"export":"best")", "a");
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(Folder("a"))) {
    if (entry.is_regular_file()) {
      files.insert(std::filesystem::relative(entry.path(), Folder("a")).string());
    }
  }
  const std::string parts = "fusion_checkpoints/resnet_fusions/TransformerBase/";
  for (const std::string& stem : {parts + "experts/resnet_expert_0_alpha_0.5_best",
                                  parts + "experts/resnet_expert_3_alpha_0.5_best",
                                  parts + "fusion/resnet_fusion_alpha_0.5_best",
                                  parts + "global/resnet_global_alpha_0.5_best"}) {
    EXPECT_TRUE(files.contains(stem + ".pth")) << stem;
    EXPECT_TRUE(files.contains(stem + ".safetensors")) << stem;
  }
  const std::string table =
      "csv_logs/resnet_fusions/resnet_TransformerBase_alpha_0.5_training_log.csv";
  ASSERT_TRUE(files.contains(table));
  const std::string text = ReadAll(Folder("a/" + table));
  EXPECT_TRUE(text.starts_with(
      "epoch,train_loss,val_loss,val_accuracy,experts_lr,fusion_lr,global_head_lr,loss_global,"
      "loss_individual,loss_total,expert_0_accuracy,expert_1_accuracy,expert_2_accuracy,"
      "expert_3_accuracy,expert_0_loss,expert_1_loss,expert_2_loss,expert_3_loss,alpha,fusion_type,"
      "model_architecture,timestamp\n1,"))
      << text;
  EXPECT_NE(text.find(",0.5,TransformerBase,resnet,20"), std::string::npos) << text;
  EXPECT_EQ(Rows(Folder("a/" + table)).size(), 3u);
}

// The total is what is trained on: global + alpha * sum of the experts' own.
TEST_F(FusionTest, EveryFusionTrains) {
  for (const std::string fusion : {"multiplicative", "multiplicativeAddition", "TransformerBase",
                                   "concatenation", "simpleAddition", "multiplicativeShifted"}) {
    Trial trial = Spawn(R"(,"alpha":2,"export":"none","fusion":")" + fusion + "\"", fusion);
    EXPECT_EQ(trial.Finish().code, 0) << fusion;
    auto points = trial.Points();
    for (const auto& [step, total] : points["train/loss"]) {
      EXPECT_NEAR(total,
                  points["train/loss_global"][step] + 2 * points["train/loss_individual"][step],
                  1e-4 * total);
      double sum = 0;
      for (const char* k : {"0", "1", "2", "3"}) {
        sum += points[std::string("train/expert_") + k + "_loss"][step];
      }
      EXPECT_NEAR(points["train/loss_individual"][step], sum, 1e-4 * sum);
    }
    EXPECT_EQ(points["val/expert_3_accuracy"].size(), 2u);
    EXPECT_EQ(points["test/accuracy"].size(), 1u);
    EXPECT_EQ(points["train/learning_rate/experts"].size(), 8u);
    EXPECT_EQ(points["train/learning_rate/global_head"].size(), 8u);
  }
}

TEST_F(FusionTest, ExpertsBeginAsTheyWereTrained) {
  const std::string inputs = TrainExperts();
  Run(R"(,"freeze_experts":true)", "frozen", inputs);
  EXPECT_TRUE(ExpertIsAsTrained("frozen"));
  Run("", "free", inputs);
  EXPECT_FALSE(ExpertIsAsTrained("free"));
  Run(R"(,"freeze_epochs":2)", "to-the-end", inputs);
  EXPECT_TRUE(ExpertIsAsTrained("to-the-end"));
  Run(R"(,"freeze_epochs":1)", "at-first", inputs);
  EXPECT_FALSE(ExpertIsAsTrained("at-first"));

  // Parts of any run go into a new one: experts from files of either kind, module and head too.
  const std::string from = "/fusion_checkpoints/resnet_fusions/multiplicative/";
  const std::string experts = Folder("frozen" + from + "experts/resnet_expert_");
  Run(R"(,"freeze_experts":true,"init_experts":")" + experts + "0_last.pth," + experts +
          "1_last.safetensors, " + experts + "2_last.pth," + experts +
          R"(3_last.pth","init_fusion":")" +
          Folder("free" + from + "fusion/resnet_fusion_best.pth") + R"(","init_global":")" +
          Folder("free" + from + "global/resnet_global_best.safetensors") + "\"",
      "mixed");
  EXPECT_TRUE(ExpertIsAsTrained("mixed"));
}

TEST_F(FusionTest, NamesEveryFileThatIsMissingOrMisshapen) {
  std::filesystem::create_directory(Folder("given"));
  Trial missing = Spawn(R"(,"init_experts":")" + Folder("given") + "\"", "missing");
  EXPECT_EQ(missing.Finish().code, 1);
  const Json gone = missing.Facts("failure").at(0);
  EXPECT_EQ(gone.Find("kind")->text, "bad_data");
  EXPECT_NE(gone.Find("detail")->text.find("expert_0_best"), std::string::npos);
  EXPECT_NE(gone.Find("detail")->text.find("expert_3_best"), std::string::npos);

  Trial expert = Spawn(R"(,"expert":0)", "expert", "", "expert");
  EXPECT_EQ(expert.Finish().code, 0);
  const std::string file = Folder("expert/best/model.safetensors");
  Trial wide = Spawn(R"(,"model":"improved_wide_resnet","init_experts":")" + file + "," + file +
                         "," + file + "," + file + "\"",
                     "wide");
  EXPECT_EQ(wide.Finish().code, 1);
  const std::string why = wide.Facts("failure").at(0).Find("detail")->text;
  EXPECT_NE(why.find(file), std::string::npos) << why;
  EXPECT_NE(why.find("conv1.weight"), std::string::npos) << why;
}

// What an expert has seen must not be what its fusion is judged by.
TEST_F(FusionTest, ExpertsOfAnotherDivisionAreRefused) {
  const std::string inputs = TrainExperts();
  Trial trial = Spawn(R"(,"holdout":0.5)", "other", inputs);
  EXPECT_EQ(trial.Finish().code, 1);
  const auto failures = trial.Facts("failure");
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_NE(
      failures[0].Find("detail")->text.find("was trained with holdout=auto, this trial has 0.5"),
      std::string::npos)
      << failures[0].Find("detail")->text;

  // Parts for use elsewhere know it too.
  const std::string part = Folder("expert1/expert_training/checkpoints/resnet/expert_1_best.pth");
  const std::string parts =
      R"(,"init_experts":")" + part + "," + part + "," + part + "," + part + "\"";
  EXPECT_EQ(Spawn(parts, "parts").Finish().code, 0);
  Trial leak = Spawn(parts + R"(,"holdout":0.5)", "leak");
  EXPECT_EQ(leak.Finish().code, 1);
  EXPECT_NE(leak.Facts("failure").at(0).Find("detail")->text.find(
                part + ": was trained with another division of the images"),
            std::string::npos);
}

TEST_F(FusionTest, AnExpertsOwnSplitsAreRefused) {
  EXPECT_EQ(Spawn(R"(,"expert":0)", "expert", "", "expert").Finish().code, 0);
  Trial leak = Spawn(R"(,"splits":")" + Folder("expert/splits") + "\"", "leak");
  EXPECT_EQ(leak.Finish().code, 1);
  const Json failure = leak.Facts("failure").at(0);
  EXPECT_EQ(failure.Find("kind")->text, "bad_data");
  EXPECT_NE(failure.Find("detail")->text.find("which is not held out for fusion"),
            std::string::npos)
      << failure.Find("detail")->text;
}

TEST_F(FusionTest, ExpertsOfSeveralArchitecturesAreAdapted) {
  Trial trial = agent_.Spawn(
      {.recipe = "fusion",
       .config =
           R"({"models":"densenet depth=10 growth=4, resnet depth=10 width=4, )"
           R"(improved_wide_resnet depth=10 width=1, resnext depth=11 width=2 cardinality=2",)"
           R"("feature_size":24,"batch_size":16,"subset":32,"evaluate_subset":10,"epochs":1,)"
           R"("export":"none"})"},
      Folder("a"));
  EXPECT_EQ(trial.Finish().code, 0);
  const std::string file = Folder("a/last/model.safetensors");
  const std::vector<std::vector<std::int64_t>> sizes = {{24, 9}, {24, 32}, {24, 64}, {24, 32}};
  for (std::size_t k = 0; k < sizes.size(); ++k) {
    const std::string adapter = "adapters." + std::to_string(k) + ".weight";
    EXPECT_EQ(TensorOf(file, adapter).sizes(), sizes[k]) << k;
  }
  EXPECT_EQ(TensorOf(file, "global_head.weight").sizes(), (std::vector<std::int64_t>{10, 24}));
}

// Killed with -9 in the middle and taken up: weights, metrics and table as if nothing had happened.
TEST_F(FusionTest, ResumedRunEqualsStraightRun) {
  const std::map<std::string, std::string> cases = {
      {"plain", ""},
      {"bf16", R"(,"precision":"bf16")"},
      {"accumulated", R"(,"accumulate":2,"freeze_epochs":1)"},
      {"cutmix", R"(,"cutmix":1)"},
      {"adaptive", R"(,"precision":"adaptive","switch_every":3)"},
      {"pcgrad", R"(,"pcgrad":true,"clip":"component","optimizer":"sgd")"}};
  for (const auto& [name, config] : cases) {
    Trial straight = Spawn(config, name + "-straight");
    EXPECT_EQ(straight.Finish().code, 0) << name;
    Trial killed =
        Spawn(config, name + "-killed", R"(,"checkpoint":{"every_steps":3,"every_ms":0})");
    killed.WaitFor("checkpoint", "step", 3);
    killed.Signal(SIGKILL);
    killed.Finish();
    const Json checkpoint = killed.Facts("checkpoint").back();
    Trial last = Spawn(config, name + "-last", ResumeText(Folder(name + "-killed"), checkpoint));
    EXPECT_EQ(last.Finish().code, 0) << name;
    EXPECT_TRUE(last.Facts("started")[0].Find("bit_exact")->flag);
    for (const char* file : {"last/model.safetensors", "best/model.safetensors"}) {
      EXPECT_EQ(ReadAll(Folder(name + "-last/" + file)),
                ReadAll(Folder(name + "-straight/" + file)))
          << name << " " << file;
    }
    const std::string table = "/csv_logs/resnet_fusions/resnet_multiplicative_training_log.csv";
    EXPECT_EQ(Rows(Folder(name + "-last" + table)), Rows(Folder(name + "-straight" + table)));
    auto expected = straight.Points();
    auto series = last.Points();
    for (auto& [metric, points] : expected) {
      // Not wall time, and not what is said once and belongs to the best model's step.
      if (metric.starts_with("system/") || metric.starts_with("test/")) continue;
      points.erase(points.begin(), points.upper_bound(checkpoint.Find("step")->integer));
      EXPECT_EQ(series[metric], points) << name << " " << metric;
    }
    EXPECT_EQ(series["test/accuracy"], expected["test/accuracy"]) << name;
  }
}

}  // namespace
}  // namespace fusor::testing
