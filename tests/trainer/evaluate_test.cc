// fusor-train evaluate and predict: what they say of a run is what the run said of itself.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <memory>
#include <numeric>
#include <sstream>

#include "common/text/json.h"
#include "tests/trainer/agent.h"

namespace fusor::testing {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kTiny[] =
    R"({"width":4,"depth":10,"batch_size":16,"subset":64,"evaluate_subset":48,"epochs":2)";
constexpr char kParts[] = "/fusion_checkpoints/resnet_fusions/multiplicative/";

std::vector<std::vector<std::string>> Csv(const std::string& text) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream cells(line);
    rows.emplace_back();
    for (std::string cell; std::getline(cells, cell, ',');) rows.back().push_back(cell);
  }
  return rows;
}

// One fusion is trained for all tests.
class EvaluateTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    root_ = std::make_unique<TemporaryDirectory>();
    Agent agent;
    Trial trial =
        agent.Spawn({.recipe = "fusion", .config = std::string(kTiny) + "}"}, Folder("run"));
    ASSERT_EQ(trial.Finish().code, 0);
    points_ = trial.Points();
  }
  static void TearDownTestSuite() { root_.reset(); }

  static std::string Folder(const std::string& name) { return root_->path() + "/" + name; }
  static Ran Run(const std::string& arguments) {
    return RunProgram(*root_, arguments + " threads=1");
  }
  static Json Evaluate(const std::string& arguments) {
    const Ran ran = Run("evaluate " + arguments + " -o json");
    EXPECT_EQ(ran.status, 0) << ran.output;
    auto json = ParseJson(ran.output);
    EXPECT_TRUE(json.ok()) << ran.output;
    return json.ok() ? *json : Json();
  }
  static double Number(const Json& evaluation, std::size_t head, const char* what) {
    const Json* heads = evaluation.Find("heads");
    if (heads == nullptr || heads->items.size() <= head) return -1;
    return heads->items[head].Find(what)->real;
  }
  // What the run itself reported at its best step, the first with the highest accuracy.
  static double Best(const std::string& metric) {
    const auto& accuracy = points_["val/accuracy"];
    auto best = accuracy.begin();
    for (auto it = accuracy.begin(); it != accuracy.end(); ++it) {
      if (it->second > best->second) best = it;
    }
    return points_[metric][best->first];
  }

  static std::unique_ptr<TemporaryDirectory> root_;
  static std::map<std::string, std::map<long long, double>> points_;
};

std::unique_ptr<TemporaryDirectory> EvaluateTest::root_;
std::map<std::string, std::map<long long, double>> EvaluateTest::points_;

TEST_F(EvaluateTest, SaysWhatTheRunSaid) {
  for (const std::string split : {"val", "test"}) {
    const Json found = Evaluate(Folder("run") + " split=" + split);
    EXPECT_EQ(found.Find("samples")->integer, 48);
    const auto said = [&](const std::string& name) {
      return split == "val" ? Best("val/" + name) : points_["test/" + name].begin()->second;
    };
    EXPECT_DOUBLE_EQ(Number(found, 0, "accuracy"), said("accuracy"));
    EXPECT_NEAR(Number(found, 0, "loss"), said("loss_global"), 1e-5);
    for (const char* k : {"0", "1", "2", "3"}) {
      const auto head = static_cast<std::size_t>(k[0] - '0') + 1;
      EXPECT_EQ(found.Find("heads")->items[head].Find("head")->text, std::string("expert_") + k);
      EXPECT_DOUBLE_EQ(Number(found, head, "accuracy"),
                       said(std::string("expert_") + k + "_accuracy"));
      EXPECT_NEAR(Number(found, head, "loss"), said(std::string("expert_") + k + "_loss"), 1e-5);
    }
  }
  const Json last = Evaluate(Folder("run") + " which=last split=val");
  EXPECT_DOUBLE_EQ(Number(last, 0, "accuracy"), points_["val/accuracy"].rbegin()->second);
  const Json train = Evaluate(Folder("run") + " split=train");
  EXPECT_EQ(train.Find("samples")->integer, 64);
}

TEST_F(EvaluateTest, FilesAddUp) {
  const std::string out = Folder("files");
  const Json found = Evaluate(Folder("run") + " split=val out=" + out);
  EXPECT_EQ(found.Find("files")->items.size(), 10u);
  for (const auto& [head, stem] : {std::pair(0U, "/val"), std::pair(3U, "/val_expert_2")}) {
    const auto matrix = Csv(ReadAll(out + stem + "_confusion.csv"));
    const auto classes = Csv(ReadAll(out + stem + "_per_class.csv"));
    ASSERT_EQ(matrix.size(), 11u);
    ASSERT_EQ(classes.size(), 11u);
    EXPECT_EQ(classes[0],
              (std::vector<std::string>{"class", "name", "count", "right", "accuracy"}));
    int right = 0;
    for (std::size_t label = 0; label < 10; ++label) {
      int count = 0;
      for (std::size_t c = 1; c <= 10; ++c) count += std::stoi(matrix[label + 1][c]);
      EXPECT_EQ(std::to_string(count), classes[label + 1][2]);
      EXPECT_EQ(matrix[label + 1][label + 1], classes[label + 1][3]);
      right += std::stoi(classes[label + 1][3]);
    }
    EXPECT_DOUBLE_EQ(right / 48.0, Number(found, head, "accuracy"));
  }
}

TEST_F(EvaluateTest, TablesForPeopleAndPrograms) {
  const Ran table = Run("evaluate " + Folder("run") + " split=val");
  EXPECT_EQ(table.status, 0);
  EXPECT_THAT(table.output, AllOf(HasSubstr("val: 48 samples"), HasSubstr("expert_3"),
                                  HasSubstr("wrote 10 files to " + Folder("run/evaluation"))));
  EXPECT_TRUE(Exists(Folder("run/evaluation/val_confusion.csv")));
  const Ran csv = Run("evaluate " + Folder("run") + " split=val -o csv");
  EXPECT_EQ(Csv(csv.output).size(), 6u) << csv.output;
}

// A part in its run's folder knows the run; anywhere else it must be told.
TEST_F(EvaluateTest, PartsOfARun) {
  const double expected = Number(Evaluate(Folder("run") + " split=val"), 2, "loss");
  const std::string part = Folder("run") + kParts + "experts/resnet_expert_1_best";
  for (const char* kind : {".pth", ".safetensors"}) {
    const Json found = Evaluate(part + kind + " split=val");
    EXPECT_EQ(found.Find("recipe")->text, "expert");
    EXPECT_EQ(found.Find("heads")->items[0].Find("head")->text, "expert_1");
    EXPECT_NEAR(Number(found, 0, "loss"), expected, 1e-5);
  }
  const std::string lone = Folder("lone.pth");
  fs::copy_file(part + ".pth", lone);
  const Ran lacking = Run("evaluate " + lone + " split=val");
  EXPECT_EQ(lacking.status, 2);
  EXPECT_THAT(lacking.output,
              AllOf(HasSubstr("data=synthetic, cifar10, cifar100"), Not(HasSubstr("model="))));
  const Ran misshapen = Run("evaluate " + lone + " data=synthetic depth=10 width=8");
  EXPECT_EQ(misshapen.status, 2);
  EXPECT_THAT(misshapen.output, AllOf(HasSubstr("lone.pth"), HasSubstr("conv1.weight")));
  const Json given =
      Evaluate(lone + " data=synthetic depth=10 width=4 split=val splits=" + Folder("run/splits"));
  EXPECT_NEAR(Number(given, 0, "loss"), expected, 1e-5);
  const Ran head = Run("evaluate " + Folder("run") + kParts + "global/resnet_global_best.pth");
  EXPECT_EQ(head.status, 2);
  EXPECT_THAT(head.output, HasSubstr("global part of a fusion"));
}

TEST_F(EvaluateTest, Checkpoints) {
  Agent agent;
  Trial trial = agent.Spawn(
      {.recipe = "expert",
       .config = R"({"width":4,"depth":10,"batch_size":16,"subset":64,"evaluate_subset":48,)"
                 R"("precision":"bf16"})",
       .more = R"(,"checkpoint":{"every_steps":1,"every_ms":0})"},
      Folder("stopped"));
  trial.WaitFor("checkpoint", "step", 2);
  trial.Signal(SIGKILL);
  trial.Finish();
  const long long step = trial.Facts("checkpoint").back().Find("step")->integer;
  const std::string folder = Folder("stopped/checkpoint/" + std::to_string(step));
  for (const std::string& path : {folder, folder + "/state.safetensors"}) {
    const Json found = Evaluate(path + " split=val");
    EXPECT_EQ(found.Find("file")->text, folder + "/state.safetensors");
    EXPECT_EQ(found.Find("samples")->integer, 48);
  }
}

// The files that a run would begin with, without a run.
TEST_F(EvaluateTest, CheckLooksIntoFiles) {
  const std::string check = "check fusion width=4 depth=10 init_experts=" + Folder("run");
  const Ran good = Run(check + " init_global=" + Folder("run"));
  EXPECT_EQ(good.status, 0);
  EXPECT_EQ(good.output, "");
  const Ran bad = Run(check + " fusion=concatenation init_fusion=" + Folder("run") +
                      " init_global=" + Folder("no.pth"));
  EXPECT_EQ(bad.status, 1);
  EXPECT_THAT(bad.output,
              AllOf(HasSubstr("run/best/model.safetensors: does not fit: 'mlp.0.weight' is "
                              "F32[32,32], expected F32[32,128]\n"),
                    HasSubstr("init_global: " + Folder("no.pth") + ": there is no such file\n")));
  const Ran splits = Run("check expert splits=" + root_->path());
  EXPECT_EQ(splits.status, 1);
  EXPECT_THAT(splits.output, HasSubstr(root_->path() + "/fusion_holdout_indices.npy"));
  // The folder is a fusion's: what it trains on is what no expert may see.
  EXPECT_EQ(Run("check fusion splits=" + Folder("run/splits")).status, 0);
  const Ran leak = Run("check expert splits=" + Folder("run/splits"));
  EXPECT_EQ(leak.status, 1);
  EXPECT_THAT(leak.output, AllOf(HasSubstr("train_indices.npy names image"),
                                 HasSubstr("which is held out for fusion: no expert may see it")));
  fs::create_directory(Folder("division"));
  fs::copy_file(Folder("run/splits/fusion_holdout_indices.npy"),
                Folder("division/fusion_holdout_indices.npy"));
  EXPECT_EQ(Run("check expert splits=" + Folder("division")).status, 0);
  EXPECT_EQ(Run("check fusion widht=4").status, 2);
}

TEST_F(EvaluateTest, RefusesInWords) {
  const std::pair<std::string, const char*> wrong[] = {
      {"evaluate " + Folder("nothing"), "no such file or folder"},
      {"evaluate " + root_->path(), "folder of a run"},
      {"evaluate " + Folder("run") + " split=tset", "did you mean 'test'"},
      {"evaluate " + Folder("run") + " which=bset", "did you mean 'best'"},
      {"evaluate " + Folder("run") + " -o xml", "table, json, csv"},
      {"evaluate " + Folder("run") + " epoch=3", "did you mean 'epochs'"},
      {"evaluate", "evaluate PATH"},
      {"predict " + Folder("run"), "needs pictures"},
      {"predict " + Folder("run") + " --range 4", "A:B"},
      {"predict " + Folder("run") + " --range 40:50", "end before 50"},
      {"predict " + Folder("run") + " a.jpg top=0", "top must be"},
  };
  for (const auto& [arguments, says] : wrong) {
    const Ran ran = RunProgram(*root_, arguments);
    EXPECT_EQ(ran.status, arguments == "evaluate" ? 0 : 2) << arguments;
    EXPECT_THAT(ran.output, HasSubstr(says)) << arguments;
  }
  ASSERT_EQ(Run("probe steps=10 matrix=4 out=" + Folder("probe")).status, 0);
  EXPECT_THAT(Run("evaluate " + Folder("probe") + " split=val").output, HasSubstr("val/accuracy"));
  const Ran nothing = Run("evaluate " + Folder("probe") + " split=test");
  EXPECT_EQ(nothing.status, 2);
  EXPECT_THAT(nothing.output, HasSubstr("nothing to evaluate in split 'test'"));
}

// The test images one by one say the same as all of them together.
TEST_F(EvaluateTest, PredictionsAddUpToTheAccuracy) {
  const Ran ran = Run("predict " + Folder("run") + " --range 0:48 top=1 heads=all -o csv");
  ASSERT_EQ(ran.status, 0) << ran.output;
  const auto rows = Csv(ran.output);
  ASSERT_EQ(rows.size(), 1 + 48 * 5u);
  int right = 0;
  for (const auto& row : rows) right += row[2] == "fusion" && row[1] == row[4];
  EXPECT_DOUBLE_EQ(right / 48.0, points_["test/accuracy"].begin()->second);
}

TEST_F(EvaluateTest, PicturesOfFiles) {
  std::array<unsigned char, 3072> planes{};
  for (std::size_t i = 0; i < planes.size(); ++i) planes[i] = static_cast<unsigned char>(i * 7);
  std::string record(1, '\3');
  std::string ppm = "P6 # made here\n32 32\n255\n";
  record.append(planes.begin(), planes.end());
  for (std::size_t i = 0; i < 1024; ++i) {
    for (const std::size_t plane : {0U, 1024U, 2048U}) ppm += static_cast<char>(planes[plane + i]);
  }
  WriteAll(Folder("a.bin"), record + record + record);
  WriteAll(Folder("a.ppm"), ppm);
  const std::string run = "predict " + Folder("run") + " ";
  const auto rows = Csv(Run(run + Folder("a.ppm") + " " + Folder("a.bin:2") + " -o csv").output);
  ASSERT_EQ(rows.size(), 11u);
  for (std::size_t i = 1; i <= 5; ++i) {
    EXPECT_EQ(std::vector(rows[i].begin() + 3, rows[i].end()),
              std::vector(rows[i + 5].begin() + 3, rows[i + 5].end()));
  }
  EXPECT_EQ(rows[6][1], "3");

  // Names of classes are those of the data's folder.
  fs::create_directory(Folder("cifar-10-batches-bin"));
  WriteAll(Folder("cifar-10-batches-bin/batches.meta.txt"), "plane\ncar\nbird\ncat\ndeer\n");
  const Ran named =
      Run(run + Folder("a.bin") + " --range 0:2 data=cifar10 -o json data_dir=" + root_->path());
  EXPECT_THAT(named.output, HasSubstr(R"("label":3,"label_name":"cat")"));
  EXPECT_EQ(std::count(named.output.begin(), named.output.end(), '\n'), 2);

  WriteAll(Folder("large.ppm"), "P6\n64 48\n255\n");
  WriteAll(Folder("short.bin"), record.substr(1));
  const Ran bad = Run(run + Folder("large.ppm") + " " + Folder("short.bin") + " " +
                      Folder("a.bin:3") + " " + Folder("no.ppm") + " x.jpg");
  EXPECT_EQ(bad.status, 2);
  EXPECT_THAT(bad.output, AllOf(HasSubstr("large.ppm: is 64x48, this model takes 32x32"),
                                HasSubstr("short.bin: 3072 bytes"), HasSubstr("has records 0 to 2"),
                                HasSubstr("no.ppm"), HasSubstr("x.jpg: expected a .ppm")));
}

}  // namespace
}  // namespace fusor::testing
