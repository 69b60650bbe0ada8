// What may change how a run is made, but not one bit of what it makes: batches made ahead, parts of
// memory side by side, other trials beside it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/trainer/agent.h"
#include "trainer/io/safetensors.h"

namespace fusor::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kTiny[] =
    R"("width":4,"depth":10,"batch_size":16,"subset":64,"evaluate_subset":50,"epochs":2,)"
    R"("export":"none")";

// Everything of a run that must be equal.
struct Made {
  std::map<std::string, std::string> tensors;  // of the last and the best model, as bytes
  std::map<std::string, std::map<long long, double>> points;
  std::string rows;
};

class InvarianceTest : public ::testing::Test {
 protected:
  Trial Start(const std::string& recipe, const std::string& config, const std::string& folder,
              const std::string& more = "") {
    return agent_.Spawn(
        {.recipe = recipe, .config = "{" + std::string(kTiny) + config + "}", .more = more},
        Folder(folder));
  }
  std::string Folder(const std::string& name) const { return root_.path() + "/" + name; }

  // Files name the configuration, which differs; so what they hold is compared.
  Made Finish(Trial trial) {
    Made made;
    EXPECT_EQ(trial.Finish().code, 0);
    for (const char* which : {"best", "last"}) {
      auto file = SafetensorsFile::Open(trial.directory() + "/" + which + "/model.safetensors");
      EXPECT_TRUE(file.ok()) << file.status().message();
      if (!file.ok()) continue;
      for (const TensorEntry& entry : file->header().tensors) {
        const auto bytes = file->Bytes(entry);
        made.tensors[std::string(which) + " " + entry.name] =
            std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      }
    }
    made.points = trial.Points();
    std::erase_if(made.points, [](const auto& item) { return item.first.starts_with("system/"); });
    for (const Json& fact : trial.Facts("artifact")) {
      if (fact.Find("kind")->text != "csv") continue;
      made.rows = ReadAll(trial.directory() + "/" + fact.Find("name")->text);
    }
    return made;
  }

  Agent agent_;
  TemporaryDirectory root_;
};

// Without the time in a fusion's last column.
std::string WithoutTime(const std::string& rows) {
  std::string kept;
  for (std::size_t at = 0; at < rows.size();) {
    const std::size_t end = rows.find('\n', at);
    const std::string row = rows.substr(at, end - at);
    kept += row.substr(0, row.find(",202")) + "\n";
    at = end + 1;
  }
  return kept;
}

void ExpectSame(const Made& found, const Made& expected, const std::string& name) {
  EXPECT_THAT(expected.tensors, Not(IsEmpty()));
  EXPECT_THAT(expected.points, Not(IsEmpty()));
  EXPECT_EQ(found.points, expected.points) << name;
  EXPECT_EQ(WithoutTime(found.rows), WithoutTime(expected.rows)) << name;
  ASSERT_EQ(found.tensors.size(), expected.tensors.size()) << name;
  for (const auto& [tensor, bytes] : expected.tensors) {
    EXPECT_TRUE(found.tensors.at(tensor) == bytes) << name << " " << tensor;
  }
}

// Everything random, and steps in parts.
constexpr char kRandom[] =
    R"(,"augment":"rand_augment","erase":0.3,"cutmix":1,"mixup":0.2,"dropout":0.2,"accumulate":2)";

TEST_F(InvarianceTest, BatchesMadeAheadByAnyNumberOfThreads) {
  for (const std::string recipe : {"expert", "fusion"}) {
    const auto run = [&](const std::string& threads) {
      return Finish(Start(recipe, kRandom + std::string(R"(,"loader_threads":)") + threads,
                          recipe + threads));
    };
    const Made plain = run("0");
    for (const char* threads : {"1", "4"}) ExpectSame(run(threads), plain, recipe + threads);
  }
}

// "auto": a trial with two cores makes its batches ahead, one with a single core does not.
TEST_F(InvarianceTest, BatchesMadeAheadByThemselves) {
  const std::string two_cores = R"(,"threads":2)";
  const Made ahead = Finish(Start("expert", kRandom, "auto", two_cores));
  const Made plain =
      Finish(Start("expert", kRandom + std::string(R"(,"loader_threads":0)"), "none", two_cores));
  ExpectSame(ahead, plain, "auto");
}

// A worker's trials come out of one template and share its memory until they write.
TEST_F(InvarianceTest, TrialsSideBySide) {
  const std::vector<std::pair<std::string, std::string>> trials = {
      {"expert", kRandom},
      {"expert", std::string(kRandom) + R"(,"seed":1)"},
      {"expert", R"(,"precision":"bf16","optimizer":"muon")"},
      {"fusion", R"(,"fusion":"TransformerBase")"}};
  std::vector<Made> alone;
  for (std::size_t i = 0; i < trials.size(); ++i) {
    alone.push_back(Finish(Start(trials[i].first, trials[i].second, "alone" + std::to_string(i))));
  }
  std::vector<Trial> beside;
  for (std::size_t i = 0; i < trials.size(); ++i) {
    beside.push_back(Start(trials[i].first, trials[i].second, "beside" + std::to_string(i)));
  }
  for (std::size_t i = 0; i < trials.size(); ++i) {
    ExpectSame(Finish(std::move(beside[i])), alone[i], std::to_string(i));
  }
}

}  // namespace
}  // namespace fusor::testing
