// The expert recipe through the real program.

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "tests/trainer/agent.h"

namespace fusor::testing {
namespace {

// Small enough for a few seconds, large enough to have every part: two blocks with shortcuts,
// momentum, decay, augmentation, several epochs.
std::string Small(const std::string& more,
                  const std::string& images = R"("augment":"crop_flip","cutmix":0)") {
  return R"({"width":8,"depth":10,"batch_size":32,"subset":320,"epochs":5,"evaluate_subset":200,)"
         R"("share":"full","clip_norm":0,)" +
         images + more + "}";
}

class ExpertTest : public ::testing::Test {
 protected:
  Trial Spawn(const std::string& config, const std::string& folder, const std::string& more = "") {
    return agent_.Spawn({.recipe = "expert", .config = config, .more = more}, Folder(folder));
  }
  std::string Folder(const std::string& name) const { return root_.path() + "/" + name; }

  Agent agent_;
  TemporaryDirectory root_;
};

TEST_F(ExpertTest, LearnsSyntheticImages) {
  Trial trial = Spawn(R"({"width":8,"depth":10,"batch_size":64,"epochs":3,"share":"full",)"
                      R"("augment":"crop_flip","cutmix":0})",
                      "a");
  EXPECT_EQ(trial.Finish().code, 0);
  auto points = trial.Points();
  // Ten classes; a guess reaches 0.1.
  EXPECT_GT(points["val/accuracy"].rbegin()->second, 0.6);
  ASSERT_EQ(points["test/accuracy"].size(), 1u);
  EXPECT_GT(points["test/accuracy"].rbegin()->second, 0.6);
  EXPECT_EQ(points["val/accuracy"].size(), 3u);
  std::set<std::string> artifacts;
  for (const Json& fact : trial.Facts("artifact")) artifacts.insert(fact.Find("name")->text);
  const std::string parts = "expert_training/checkpoints/resnet/expert_0_";
  EXPECT_EQ(artifacts,
            (std::set<std::string>{
                "best/model.safetensors", "last/model.safetensors", "log.csv", parts + "best.pth",
                parts + "best.safetensors", parts + "last.pth", parts + "last.safetensors",
                "splits/expert_train_indices.npy", "splits/fusion_holdout_indices.npy",
                "splits/train_indices.npy", "splits/val_indices.npy", "splits/test_indices.npy"}));
  for (const std::string& name : artifacts) EXPECT_TRUE(Exists(Folder("a/" + name))) << name;
}

// With the images' labels exchanged there is nothing to learn for images that were not seen.
TEST_F(ExpertTest, ShuffledLabelsTeachNothing) {
  Trial trial = Spawn(R"({"width":8,"depth":10,"batch_size":64,"epochs":3,"share":"full",)"
                      R"("augment":"crop_flip","cutmix":0,"shuffle_labels":true})",
                      "a");
  EXPECT_EQ(trial.Finish().code, 0);
  auto points = trial.Points();
  // A guess is right at 0.1; of as many images five deviations more is rare.
  const double chance = 0.1;
  EXPECT_LT(points["val/accuracy"].rbegin()->second, chance + 0.1);
  EXPECT_LT(points["test/accuracy"].rbegin()->second, chance + 0.1);
}

// Straight; killed with -9 twice, in and after the middle, and taken up each time in a new
// directory.
TEST_F(ExpertTest, ResumedRunEqualsStraightRun) {
  const std::map<std::string, std::string> cases = {
      {"fp32", Small(R"(,"label_smoothing":0.1)")},
      {"bf16", Small(R"(,"precision":"bf16","loader_threads":2)")},
      {"cutmix", Small("", R"("augment":"rand_augment","erase":0.25,"cutmix":1)")},
      {"parts", Small(R"(,"accumulate":2,"precision":"bf16")",
                      R"("augment":"trivial_augment","cutmix":1,"mixup":0.2)")},
      {"adaptive", Small(R"(,"precision":"adaptive","switch_every":7)")}};
  for (const auto& [name, config] : cases) {
    const std::string policy = R"(,"checkpoint":{"every_steps":5,"every_ms":0})";
    Trial straight = Spawn(config, name + "-straight");
    EXPECT_EQ(straight.Finish().code, 0);

    std::string resume;
    long long step = 0;
    for (int kill = 1; kill <= 2; ++kill) {
      const std::string folder = name + "-killed-" + std::to_string(kill);
      Trial killed = Spawn(config, folder, policy + resume);
      killed.WaitFor("checkpoint", "step", static_cast<double>(step) + 5);
      killed.Signal(SIGKILL);
      EXPECT_TRUE(killed.Finish().signaled);
      const Json checkpoint = killed.Facts("checkpoint").back();
      step = checkpoint.Find("step")->integer;
      resume = ResumeText(Folder(folder), checkpoint);
    }
    ASSERT_LT(step, 50);
    Trial last = Spawn(config, name + "-last", resume);
    EXPECT_EQ(last.Finish().code, 0);
    EXPECT_TRUE(last.Facts("started")[0].Find("bit_exact")->flag);
    for (const char* file : {"last/model.safetensors", "best/model.safetensors", "log.csv"}) {
      EXPECT_EQ(ReadAll(Folder(name + "-last/" + file)),
                ReadAll(Folder(name + "-straight/" + file)))
          << name << " " << file;
    }
    auto expected = straight.Points();
    auto series = last.Points();
    for (auto& [metric, points] : expected) {
      // Not wall time, and not what is said once and belongs to the best model's step.
      if (metric.starts_with("system/") || metric.starts_with("test/")) continue;
      points.erase(points.begin(), points.upper_bound(step));
      EXPECT_EQ(series[metric], points) << name << " " << metric;
    }
    EXPECT_EQ(series["test/accuracy"], expected["test/accuracy"]) << name;
  }
}

TEST_F(ExpertTest, SeedsDifferAndRepeat) {
  auto run = [&](const std::string& folder, int seed) {
    Trial trial = Spawn(
        R"({"width":4,"depth":10,"batch_size":32,"subset":64,"epochs":1,"evaluate_subset":64,"seed":)" +
            std::to_string(seed) + "}",
        folder);
    EXPECT_EQ(trial.Finish().code, 0);
    return trial.Points()["train/loss"];
  };
  auto first = run("a", 1);
  EXPECT_EQ(first, run("b", 1));
  EXPECT_NE(first, run("c", 2));
}

// oneDNN's AVX2 kernels for narrow 1x1 convolutions corrupt the heap.
TEST_F(ExpertTest, NarrowNetworksTrain) {
  for (const int width : {1, 4, 6}) {
    Trial trial = Spawn(
        R"({"depth":10,"batch_size":16,"subset":64,"epochs":1,"evaluate_subset":64,"width":)" +
            std::to_string(width) + "}",
        std::to_string(width), R"(,"threads":1)");
    EXPECT_EQ(trial.Finish().code, 0) << width;
  }
}

TEST_F(ExpertTest, DivergesOnANanLoss) {
  Trial trial = Spawn(Small(R"(,"learning_rate":100,"weight_decay":1)"), "a");
  trial.Finish();
  auto failures = trial.Facts("failure");
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_EQ(failures[0].Find("kind")->text, "diverged");
}

TEST_F(ExpertTest, MissingDataIsBadData) {
  Trial trial =
      Spawn(Small(R"(,"data":"cifar10")"), "a", R"(,"datasets_dir":")" + root_.path() + "\"");
  EXPECT_EQ(trial.Finish().code, 1);
  auto failures = trial.Facts("failure");
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_EQ(failures[0].Find("kind")->text, "bad_data");
  EXPECT_NE(failures[0].Find("detail")->text.find("data_batch_1.bin"), std::string::npos);
}

TEST_F(ExpertTest, OutOfMemorySaysWhatForAndWhatToChange) {
  const auto detail = [&](const std::string& config, long long limit) {
    Trial trial = agent_.Spawn({.recipe = "expert", .config = config, .data_limit_bytes = limit},
                               Folder(std::to_string(limit)));
    EXPECT_EQ(trial.Finish().code, 1);
    auto failures = trial.Facts("failure");
    EXPECT_EQ(failures.size(), 1u);
    if (failures.size() != 1) return std::string();
    EXPECT_EQ(failures[0].Find("kind")->text, "out_of_memory(host)");
    return failures[0].Find("detail")->text;
  };
  // ResNet-18 with 10 classes and momentum: three times 42.6 MiB and 6,000 images.
  const std::string training = detail(R"({"width":64,"batch_size":512})", 300 << 20);
  for (const char* part :
       {"; peak ", "parameters 43, gradients 43, optimiser 43, data 18, activations and the rest ",
        "micro_batch_size=256 with accumulate=2", "batch_size=512", "precision=bf16",
        "resources.memory_gib"}) {
    EXPECT_NE(training.find(part), std::string::npos) << part << " in " << training;
  }
  const std::string frugal =
      detail(R"({"width":64,"batch_size":96,"micro_batch_size":96,"precision":"bf16"})", 260 << 20);
  EXPECT_NE(frugal.find("micro_batch_size=48 with accumulate=2"), std::string::npos) << frugal;
  EXPECT_EQ(frugal.find("precision=bf16"), std::string::npos) << frugal;
  const std::string loading = detail(R"({"width":64})", 20 << 20);
  EXPECT_NE(loading.find("while data and model were loaded"), std::string::npos) << loading;
  EXPECT_EQ(loading.find("micro_batch_size"), std::string::npos) << loading;
}

// FUSOR_DATA, or ../shared/data beside the checkout.
std::string RealData() {
  if (const char* given = std::getenv("FUSOR_DATA")) return given;
  return FUSOR_SOURCE_DIR "/../shared/data";
}

TEST_F(ExpertTest, RealCifarTrains) {
  for (const std::string name : {"cifar10", "cifar100"}) {
    const std::string folder = name == "cifar10" ? "cifar-10-batches-bin" : "cifar-100-binary";
    if (!std::filesystem::exists(RealData() + "/" + folder)) {
      GTEST_SKIP() << "no " << folder << " in " << RealData() << " (set FUSOR_DATA)";
    }
    Trial trial = Spawn(Small(R"(,"data":")" + name + "\""), name,
                        R"(,"datasets_dir":")" + RealData() + "\"");
    EXPECT_EQ(trial.Finish().code, 0);
    auto loss = trial.Points()["train/loss"];
    ASSERT_EQ(loss.size(), 50u);
    EXPECT_LT(loss[50], loss[1]);
    EXPECT_EQ(trial.Facts("started")[0].Find("info")->Find("data." + name)->text.size(), 64u);
  }
}

}  // namespace
}  // namespace fusor::testing
