// Trials on a GPU, as far as the driver's library tells of them.

#include <gmock/gmock.h>

#include <cstdlib>

#include "tests/unit/worker/process/table_fixture.h"
#include "worker/system/files.h"

namespace fusor::agent {
namespace {

using testing::Contains;

class GpuTableTest : public ProcessTableTest {
 protected:
  GpuTableTest() {
    setenv("FUSOR_FAKE_NVML", (dir_.path() / "nvml").c_str(), 1);
    Processes("");
    auto nvml = Nvml::Load(FUSOR_FAKE_NVML_LIBRARY);
    EXPECT_TRUE(nvml.ok()) << nvml.status().ToString();
    gpus_ = std::make_unique<GpuMonitor>(std::move(*nvml), std::vector<std::string>{"GPU-aaa"});
    slot_ = {.gpu = true, .device_uuid = "GPU-aaa", .device_memory_gib = 80};
  }
  ~GpuTableTest() override { gpus_.reset(); }

  // What the driver shows on the GPU. Put in place at once: the monitor reads at any time.
  void Processes(const std::string& lines) const {
    const std::filesystem::path file = dir_.path() / "nvml";
    ASSERT_TRUE(
        WriteFileAtomically(
            file, "driver 580.95 13000\ngpu GPU-aaa 81920 9.0 0000:3B:00.0 NVIDIA H200\n" + lines)
            .ok());
  }
};

TEST_F(GpuTableTest, AFreedGpuIsFreeOnlyWhenTheDriverShowsTheProcessNoMore) {
  Start("echo $$; read line <&4\n");
  ASSERT_TRUE(WaitFor([this] { return PidFromLog() > 1; }));
  Processes("process GPU-aaa " + std::to_string(PidFromLog()) + "\n");
  table_->Perform(SendCommand{kTask, Command::kAbort});
  ASSERT_TRUE(WaitFor([this] { return Happened<ProcessExited>(); }));
  // A driver that takes its time: the monitor looks again and again meanwhile.
  int looks = 0;
  gpus_->WhenFree("GPU-aaa", 1, [this, &looks] { loop_->Post([&looks] { ++looks; }); });
  ASSERT_TRUE(WaitFor([&looks] { return looks == 1; }));
  EXPECT_FALSE(Happened<SlotFreed>());
  EXPECT_EQ(table_->running(), 1u);
  Processes("");
  EXPECT_TRUE(WaitForEnd());
  EXPECT_EQ(table_->running(), 0u);
}

TEST_F(GpuTableTest, WhatTheGpuDoesIsAmongTheSystemMetrics) {
  Start(std::string(kProgress) + "read line <&4\n");
  ASSERT_TRUE(WaitForProgress());
  ASSERT_TRUE(WaitFor([this] { return gpus_->Latest("GPU-aaa").power_watts.has_value(); }));
  ASSERT_TRUE(WaitFor([this] {
    table_->EverySecond();
    return !Facts<MetricsFact>().empty();
  }));
  const MetricsFact fact = Facts<MetricsFact>()[0];
  std::map<std::string, double> points;
  for (std::size_t i = 0; i < fact.names.size(); ++i) points[fact.names[i]] = fact.values[i].at(0);
  for (const char* which : {"/min", "/mean", "/max"}) {
    EXPECT_EQ(points["system/gpu_percent" + std::string(which)], 40);
    EXPECT_EQ(points["system/gpu_memory_gib" + std::string(which)], 40);
    EXPECT_EQ(points["system/gpu_celsius" + std::string(which)], 55);
    EXPECT_EQ(points["system/gpu_watts" + std::string(which)], 123);
    EXPECT_THAT(fact.names, Contains("system/memory_gib" + std::string(which)));
  }
  table_->Perform(SignalTask{kTask, Signal::kKill});
  ASSERT_TRUE(WaitForEnd());
}

}  // namespace
}  // namespace fusor::agent
