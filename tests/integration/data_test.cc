// Data sets fetched by the programs themselves: interrupted, killed, on a full disk, and by a
// worker for a trial that needs one.

#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/base/sha256.h"
#include "tests/harness/archive_maker.h"
#include "tests/harness/http_server.h"
#include "tests/harness/wait.h"
#include "tests/integration/cluster.h"
#include "tests/integration/full_disk.h"

namespace fusor::integration {
namespace {

using harness::WaitUntil;

constexpr std::size_t kStop = 50'000;

// CIFAR-10 in small, with bytes that do not get smaller when they are packed.
std::string SmallCifar10() {
  std::vector<harness::ArchiveEntry> entries;
  Random random(3);
  for (const char* name : {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4",
                           "data_batch_5", "test_batch"}) {
    std::string records;
    for (int i = 0; i < 10; ++i) {
      records += static_cast<char>(i);
      for (int pixel = 0; pixel < 3'072; ++pixel) {
        records += static_cast<char>(random.Below(256));
      }
    }
    entries.push_back({"cifar-10-batches-bin/" + std::string(name) + ".bin", records});
  }
  return harness::MakeArchive(entries);
}

class DataSets : public testing::Test {
 protected:
  DataSets() : archive_(SmallCifar10()) {
    Serve({.body = archive_});
    std::filesystem::create_directories(sets());
    std::ofstream(sets() / "catalogue.json")
        << R"({"cifar10": {"address": ")" << server_.Address("/c10.tar.gz") << R"(", "bytes": )"
        << archive_.size() << R"(, "checksum": "sha256:)" << Sha256Hex(archive_) << "\"}}";
  }
  void Serve(harness::HttpFile file) { server_.Serve("/c10.tar.gz", std::move(file)); }
  std::filesystem::path sets() const { return cluster_.path() / "sets"; }
  std::filesystem::path folder() const { return sets() / "cifar-10-batches-bin"; }
  Output Fetch() const {
    return cluster_.Fusor({"data", "fetch", "cifar10", "--datasets", sets().string()});
  }
  std::unique_ptr<harness::Program> FetchInBackground() const {
    return std::make_unique<harness::Program>(
        std::vector<std::string>{harness::Binary("fusor").string(), "data", "fetch", "cifar10",
                                 "--datasets", sets().string()},
        cluster_.path() / "fetch.log");
  }
  bool WaitBegun() const {
    return WaitUntil(
        [&] {
          std::error_code error;
          for (const auto& each : std::filesystem::directory_iterator(sets() / ".fetch", error)) {
            if (each.path().extension() == ".part" && each.file_size(error) == kStop) return true;
          }
          return false;
        },
        60);
  }
  void ExpectGoesOn() {
    EXPECT_FALSE(std::filesystem::exists(folder()));
    server_.GoOn();
    const Output output = Fetch();
    EXPECT_EQ(output.exit_code, 0) << output.err;
    EXPECT_EQ(server_.Requests().back(), "/c10.tar.gz bytes=" + std::to_string(kStop) + "-");
    EXPECT_TRUE(std::filesystem::exists(folder() / "test_batch.bin"));
    EXPECT_FALSE(std::filesystem::exists(sets() / ".fetch"));
  }

  Cluster cluster_;
  harness::HttpServer server_;
  std::string archive_;
};

TEST_F(DataSets, InterruptedWithCtrlCThenGoneOnWith) {
  Serve({.body = archive_, .stops_at = kStop});
  const auto program = FetchInBackground();
  ASSERT_TRUE(WaitBegun());
  program->Signal(SIGINT);
  ASSERT_TRUE(WaitUntil([&] { return !program->Running(); }, 60));
  EXPECT_NE(harness::Slurp(cluster_.path() / "fetch.log")
                .find("interrupted; the same command goes on from here"),
            std::string::npos);
  ExpectGoesOn();
}

TEST_F(DataSets, KilledThenGoneOnWith) {
  Serve({.body = archive_, .stops_at = kStop});
  const auto program = FetchInBackground();
  ASSERT_TRUE(WaitBegun());
  program->Kill();
  ExpectGoesOn();
}

TEST_F(DataSets, AFullDiskIsToldWithTheFileAndWhatToDo) {
  FullDisk disk(cluster_.path());
  for (const char* where : {".part", ".unpacked"}) {
    disk.Fill(where);
    const Output output = Fetch();
    EXPECT_EQ(output.exit_code, 1);
    EXPECT_NE(output.err.find("No space left on device; make room there, then run it again"),
              std::string::npos)
        << output.err;
    EXPECT_NE(output.err.find(where), std::string::npos) << output.err;
    EXPECT_FALSE(std::filesystem::exists(folder()));
  }
  disk.Free();
  EXPECT_EQ(Fetch().exit_code, 0);
  EXPECT_EQ(server_.Requests().size(), 2U);  // the archive was whole before it was unpacked
}

TEST_F(DataSets, ATrialWaitsForItsDataSetUntilAWorkerFetchesIt) {
  const std::string yaml =
      "name: probe\nobjective: {metric: val/accuracy, goal: maximize}\n"
      "resources: {device: cpu}\n"
      "stages:\n  s:\n    recipe: probe\n    seeds: [1, 2, 3]\n"
      "    params: {steps: 2, step_ms: 1, data: cifar10}\n";
  // A folder of its own: what FUSOR_DATA names where the test runs may have the data set.
  const std::filesystem::path empty = cluster_.path() / "empty";
  std::filesystem::create_directories(empty);
  const auto without = cluster_.StartAgent("without", 1, {"--datasets", empty.string()});
  const std::string sweep = cluster_.Submit(yaml);
  ASSERT_TRUE(WaitUntil(
      [&] {
        const Output explained = cluster_.Fusor({"explain", sweep + ".s.0"});
        return explained.out.find("data set cifar10 is on no worker") != std::string::npos &&
               explained.out.find("--auto-fetch") != std::string::npos;
      },
      60));
  const auto fetching =
      cluster_.StartAgent("fetching", 2, {"--datasets", sets().string(), "--auto-fetch"});
  EXPECT_TRUE(cluster_.WaitEnded(sweep, 3, 120)) << fetching->Log();
  EXPECT_EQ(cluster_.Sql("state.db", "SELECT count(*) FROM trial WHERE state = 'succeeded'"), "3");
  EXPECT_EQ(server_.Requests().size(), 1U);
  const std::string workers = cluster_.Fusor({"workers", "fetching", "-o", "json"}).out;
  EXPECT_NE(workers.find(R"("datasets": ["cifar10"])"), std::string::npos) << workers;
  EXPECT_NE(workers.find(R"("fetchable": ["cifar100"])"), std::string::npos) << workers;
}

}  // namespace
}  // namespace fusor::integration
