// fusor-train evaluate and predict, on models that fusor-train itself has just trained.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <numeric>
#include <sstream>

#include "common/text/json.h"
#include "tests/trainer/agent.h"

namespace fusor::testing {
namespace {

using ::testing::HasSubstr;

constexpr char kTiny[] =
    " width=4 depth=10 batch_size=16 subset=96 evaluate_subset=64 epochs=2 augment=crop_flip ";

// What a run said of its best model.
double Told(const std::string& output, const std::string& metric) {
  const std::size_t at = output.rfind(metric + " ");
  return at == std::string::npos ? -1 : std::stod(output.substr(at + metric.size() + 1));
}

Json ParsedLine(const std::string& line) {
  const auto json = ParseJson(line);
  EXPECT_TRUE(json.ok()) << line;
  return json.ok() ? *json : Json();
}

std::vector<std::vector<std::string>> Cells(const std::string& csv) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream lines(csv);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream cells(line);
    rows.emplace_back();
    for (std::string cell; std::getline(cells, cell, ',');) rows.back().push_back(cell);
  }
  return rows;
}

class EvaluateTest : public ::testing::Test {
 protected:
  std::string Train(const std::string& arguments) {
    const Ran ran = RunProgram(root_, arguments);
    EXPECT_EQ(ran.status, 0) << ran.output;
    return ran.output;
  }
  Json Evaluate(const std::string& arguments) {
    const Ran ran = RunProgram(root_, "evaluate " + arguments + " --json");
    EXPECT_EQ(ran.status, 0) << ran.output;
    return ParsedLine(ran.output);
  }
  static double Accuracy(const Json& json, std::size_t part) {
    return json.Find("parts")->items.at(part).Find("accuracy")->real;
  }
  std::string Read(const std::string& name) const { return ReadAll(root_.path() + "/" + name); }

  TemporaryDirectory root_;
};

TEST_F(EvaluateTest, AnExpertAsTheRunItselfWasJudged) {
  const std::string output = Train("expert out=run" + std::string(kTiny) + "share=full");
  const Json test = Evaluate("run");
  EXPECT_NEAR(Accuracy(test, 0), Told(output, "test/accuracy"), 5e-4);
  EXPECT_EQ(test.Find("samples")->integer, 64);
  const Json last = Evaluate("run which=last split=val");
  EXPECT_NEAR(Accuracy(last, 0), Told(output, "val/accuracy"), 5e-4);
  EXPECT_EQ(Evaluate("run split=train").Find("samples")->integer, 96);

  // The files agree with the number and with each other.
  const auto matrix = Cells(Read("run/evaluation/expert_0_test_confusion.csv"));
  const auto classes = Cells(Read("run/evaluation/expert_0_test_classes.csv"));
  ASSERT_EQ(matrix.size(), 11u);
  ASSERT_EQ(classes.size(), 11u);
  int right = 0;
  for (std::size_t c = 0; c < 10; ++c) {
    const auto& row = matrix[c + 1];
    ASSERT_EQ(row.size(), 11u);
    const int count = std::accumulate(row.begin() + 1, row.end(), 0, [](int sum, const auto& cell) {
      return sum + std::stoi(cell);
    });
    EXPECT_EQ(std::to_string(count), classes[c + 1][2]);
    EXPECT_EQ(row[c + 1], classes[c + 1][3]);
    right += std::stoi(row[c + 1]);
  }
  EXPECT_DOUBLE_EQ(right / 64.0, Accuracy(test, 0));

  // A part that was saved alone says its architecture, not its size.
  const std::string part = "run/expert_training/checkpoints/resnet/expert_0_best.pth";
  EXPECT_EQ(Accuracy(Evaluate(part + " width=4 depth=10 evaluate_subset=64 files=x"), 0),
            Accuracy(test, 0));
  const Ran wrong = RunProgram(root_, "evaluate " + part + " width=8 depth=10");
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.output, HasSubstr("conv1.weight"));
}

TEST_F(EvaluateTest, AFusionAndEachOfItsExperts) {
  const std::string output = Train("fusion out=run" + std::string(kTiny));
  const Json test = Evaluate("run");
  ASSERT_EQ(test.Find("parts")->items.size(), 5u);
  EXPECT_EQ(test.Find("parts")->items[0].Find("part")->text, "fusion");
  EXPECT_NEAR(Accuracy(test, 0), Told(output, "test/accuracy"), 5e-4);
  for (int k = 0; k < 4; ++k) {
    const std::string expert = "expert_" + std::to_string(k);
    EXPECT_NEAR(Accuracy(test, static_cast<std::size_t>(k) + 1),
                Told(output, "test/" + expert + "_accuracy"), 5e-4);
    EXPECT_TRUE(Exists(root_.path() + "/run/evaluation/" + expert + "_test_confusion.csv"));
  }
  const Ran module = RunProgram(root_,
                                "evaluate run/fusion_checkpoints/resnet_fusions/multiplicative/"
                                "fusion/resnet_fusion_best.pth");
  EXPECT_EQ(module.status, 2);
}

TEST_F(EvaluateTest, WhatIsNoClassifierSaysWhatTrainingSaid) {
  Train("probe steps=20 out=run");
  const Json val = Evaluate("run split=val");
  ASSERT_NE(val.Find("val/loss"), nullptr);
  EXPECT_GE(val.Find("val/loss")->real, 0);
  const Ran none = RunProgram(root_, "evaluate run split=test");
  EXPECT_EQ(none.status, 2);
  EXPECT_THAT(none.output, HasSubstr("has no split 'test'"));
}

TEST_F(EvaluateTest, SaysWhatIsMissing) {
  std::filesystem::create_directory(root_.path() + "/empty");
  const auto problem = [&](const std::string& arguments) {
    const Ran ran = RunProgram(root_, arguments);
    EXPECT_EQ(ran.status, 2) << ran.output;
    return ran.output;
  };
  EXPECT_THAT(problem("evaluate nowhere"), HasSubstr("no such file or folder"));
  EXPECT_THAT(problem("evaluate empty"), HasSubstr("no best/model.safetensors"));
  EXPECT_THAT(problem("evaluate empty split=tests"), HasSubstr("did you mean 'test'"));
  EXPECT_THAT(problem("predict empty"), HasSubstr("at least one picture"));
}

// A record file of synthetic pixels, and one of its pictures as PPM: the same answer.
TEST_F(EvaluateTest, PredictsRecordsAndPictures) {
  Train("expert out=run" + std::string(kTiny));
  std::string record(1, '\3');
  std::string ppm = "P6\n# made by a test\n32 32\n255\n";
  for (int i = 0; i < 3072; ++i) record += static_cast<char>(i * 7 % 251);
  for (std::size_t i = 0; i < 1024; ++i) {
    for (std::size_t channel = 0; channel < 3; ++channel) ppm += record[1 + channel * 1024 + i];
  }
  WriteAll(root_.path() + "/some.bin", record + record + record);
  WriteAll(root_.path() + "/one.ppm", ppm);
  const Ran ran = RunProgram(root_, "predict run some.bin:1-2 one.ppm top=3 --json");
  ASSERT_EQ(ran.status, 0) << ran.output;
  std::istringstream lines(ran.output);
  std::vector<Json> answers;
  for (std::string line; std::getline(lines, line);) answers.push_back(ParsedLine(line));
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[0].Find("picture")->text, "some.bin:1");
  EXPECT_EQ(answers[0].Find("label")->integer, 3);
  EXPECT_EQ(answers[2].Find("label"), nullptr);
  double before = 1;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto guess = [&](std::size_t answer) -> const Json& {
      return answers[answer].Find("answers")->Find("expert_0")->items.at(i);
    };
    EXPECT_EQ(guess(0).Find("class")->integer, guess(2).Find("class")->integer);
    EXPECT_DOUBLE_EQ(guess(0).Find("probability")->real, guess(2).Find("probability")->real);
    EXPECT_LE(guess(0).Find("probability")->real, before);
    before = guess(0).Find("probability")->real;
  }

  WriteAll(root_.path() + "/large.ppm", "P6 640 480 255 ");
  WriteAll(root_.path() + "/short.bin", record.substr(1));
  const Ran bad = RunProgram(root_, "predict run large.ppm short.bin some.bin:3 no.ppm x.jpg");
  EXPECT_EQ(bad.status, 2);
  for (const char* part : {"large.ppm: is 640x480", "short.bin: 3072 bytes", "records 0 to 2",
                           "no.ppm", "x.jpg: expected a .ppm"}) {
    EXPECT_THAT(bad.output, HasSubstr(part));
  }
}

}  // namespace
}  // namespace fusor::testing
