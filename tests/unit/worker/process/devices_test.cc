#include "worker/process/devices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <fstream>
#include <mutex>

#include "tests/unit/worker/temp_dir.h"
#include "worker/process/gpu_lock.h"
#include "worker/process/gpu_monitor.h"

namespace fusor::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class DevicesTest : public testing::Test {
 protected:
  DevicesTest() {
    setenv("FUSOR_FAKE_NVML", (dir_.path() / "nvml").c_str(), 1);
    options_.data_directory = dir_.path();
    options_.lock_directory = dir_.path() / "locks";
    options_.root = dir_.path() / "root";
    options_.trainer_cuda = "13.0";
    host_.cpus = {0, 1, 2, 3, 4, 5, 6, 7};
    host_.memory_bytes = 100ULL << 30;
  }

  void Machine(const std::string& text) { Write("nvml", text); }
  void Write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = dir_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }

  std::unique_ptr<Nvml> Load() {
    auto nvml = Nvml::Load(FUSOR_FAKE_NVML_LIBRARY);
    EXPECT_TRUE(nvml.ok()) << nvml.status().ToString();
    return nvml.ok() ? std::move(*nvml) : nullptr;
  }

  DevicePlan Plan() {
    const auto nvml = Load();
    Result<DevicePlan> plan = PlanDevices(options_, host_, nvml.get());
    EXPECT_TRUE(plan.ok()) << plan.status().ToString();
    return plan.ok() ? std::move(*plan) : DevicePlan();
  }

  DevicePlan Cpus() {
    Result<DevicePlan> plan = PlanDevices(options_, host_, nullptr);
    EXPECT_TRUE(plan.ok()) << plan.status().ToString();
    return plan.ok() ? std::move(*plan) : DevicePlan();
  }

  TempDir dir_;
  DeviceOptions options_;
  HostLimits host_;
};

TEST_F(DevicesTest, OneSlotForEachGpu) {
  Machine(
      "driver 580.95 13000\n"
      "gpu GPU-aaa 143771 9.0 00000000:3B:00.0 NVIDIA H200\n"
      "gpu GPU-bbb 81920 8.0 00000000:AF:00.0 NVIDIA A100-SXM4-80GB\n");
  Write("root/sys/bus/pci/devices/0000:3b:00.0/local_cpulist", "0-3\n");
  Write("root/sys/bus/pci/devices/0000:af:00.0/local_cpulist", "4-7\n");
  const DevicePlan plan = Plan();
  ASSERT_THAT(plan.slots, SizeIs(2));
  const SlotPlan& first = plan.slots[0];
  EXPECT_TRUE(first.info.gpu);
  EXPECT_EQ(first.info.device_uuid, "GPU-aaa");
  EXPECT_EQ(first.info.gpu_type, "H200");
  EXPECT_NEAR(first.info.device_memory_gib, 140.4, 0.1);
  EXPECT_EQ(first.info.memory_gib, 45);
  EXPECT_THAT(first.cpus, ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(first.env.at("CUDA_VISIBLE_DEVICES"), "GPU-aaa");
  EXPECT_THAT(plan.slots[1].cpus, ElementsAre(4, 5, 6, 7));
  EXPECT_EQ(plan.slots[1].info.gpu_type, "A100");
  EXPECT_THAT(plan.precisions, ElementsAre("fp32", "tf32", "bf16", "fp16", "adaptive"));
  EXPECT_THAT(plan.notes, IsEmpty());
}

TEST_F(DevicesTest, PartsOfAPartitionedGpu) {
  Machine(
      "driver 580.95 13000\n"
      "gpu GPU-aaa 143771 9.0 00000000:3B:00.0 NVIDIA H200\n"
      "part MIG-one 18000 NVIDIA H200 MIG 1g.18gb\n"
      "part MIG-two 36000 NVIDIA H200 MIG 2g.35gb\n");
  const DevicePlan plan = Plan();
  ASSERT_THAT(plan.slots, SizeIs(2));
  EXPECT_EQ(plan.slots[1].info.device_uuid, "MIG-two");
  EXPECT_EQ(plan.slots[1].info.gpu_type, "H200");
  EXPECT_NEAR(plan.slots[1].info.device_memory_gib, 35.2, 0.1);
  EXPECT_FALSE(Load()->Sample("MIG-two").utilization_percent.has_value());
  EXPECT_EQ(Load()->Sample("MIG-two").power_watts, 123.0);
}

TEST_F(DevicesTest, NumbersOfDifferentGpusAreNotGuessed) {
  Machine(
      "driver 580.95 13000\n"
      "gpu GPU-t4 16160 7.5 00000000:3B:00.0 Tesla T4\n"
      "gpu GPU-h100 81920 9.0 00000000:AF:00.0 NVIDIA H100\n");
  options_.cuda_visible_devices = "0";  // of CUDA the H100, of the driver the T4
  DevicePlan plan = Plan();
  EXPECT_FALSE(plan.slots[0].info.gpu);
  EXPECT_THAT(plan.notes, ElementsAre(HasSubstr("CUDA_DEVICE_ORDER=PCI_BUS_ID")));
  options_.cuda_device_order = "PCI_BUS_ID";
  EXPECT_EQ(Plan().slots[0].info.device_uuid, "GPU-t4");
  options_.cuda_device_order = std::nullopt;
  options_.cuda_visible_devices = "GPU-h100";
  EXPECT_EQ(Plan().slots[0].info.device_uuid, "GPU-h100");
}

TEST_F(DevicesTest, WhatTheTrainerCannotUseIsNotedWithItsRemedy) {
  Machine(
      "driver 580.95 13000\n"
      "gpu GPU-old 16160 7.0 00000000:3B:00.0 Tesla V100-SXM2-16GB\n"
      "gpu GPU-new 81920 8.0 00000000:AF:00.0 NVIDIA A100-SXM4-80GB\n");
  DevicePlan plan = Plan();
  EXPECT_THAT(plan.slots, SizeIs(1));
  EXPECT_THAT(plan.notes, ElementsAre(testing::AllOf(HasSubstr("V100"), HasSubstr("7.0"),
                                                     HasSubstr("CUDA 12.6"))));
  options_.trainer_cuda = "12.6";
  options_.lock_directory = dir_.path() / "other";
  EXPECT_THAT(Plan().slots, SizeIs(2));

  Machine("driver 535.1 12020\ngpu GPU-new 81920 8.0 00000000:AF:00.0 NVIDIA A100\n");
  options_.trainer_cuda = "13.0";
  plan = Plan();
  EXPECT_FALSE(plan.slots[0].info.gpu);  // processors instead
  EXPECT_THAT(plan.notes, ElementsAre(testing::AllOf(HasSubstr("535.1"), HasSubstr("12.2"),
                                                     HasSubstr("newer driver"))));
  options_.trainer_cuda = "";
  EXPECT_THAT(Plan().notes, ElementsAre(HasSubstr("without CUDA")));
  options_.kind = DeviceKind::kGpu;
  EXPECT_FALSE(PlanDevices(options_, host_, Load().get()).ok());
}

TEST_F(DevicesTest, AGpuIsOfferedByOneAgentOnly) {
  Machine("driver 580.95 13000\ngpu GPU-aaa 1000 9.0 00000000:3B:00.0 NVIDIA H200\n");
  {
    const DevicePlan first = Plan();
    EXPECT_TRUE(first.slots[0].info.gpu);
    const DevicePlan second = Plan();
    EXPECT_FALSE(second.slots[0].info.gpu);
    EXPECT_THAT(second.notes, ElementsAre(HasSubstr("held by another agent")));
  }
  EXPECT_TRUE(Plan().slots[0].info.gpu);
}

TEST_F(DevicesTest, AnInheritedChoiceIsTheOuterLimit) {
  const GpuDescription whole{.index = 2, .uuid = "GPU-abcd", .parent_uuid = "GPU-abcd"};
  const GpuDescription part{.index = 2, .uuid = "MIG-1234", .parent_uuid = "GPU-abcd"};
  EXPECT_TRUE(IsVisible(std::nullopt, whole));
  EXPECT_FALSE(IsVisible("", whole));
  EXPECT_FALSE(IsVisible("-1", whole));
  EXPECT_FALSE(IsVisible("0,1", whole));
  EXPECT_TRUE(IsVisible("0,2", whole));
  EXPECT_FALSE(IsVisible("0,-1,2", whole));
  EXPECT_TRUE(IsVisible("GPU-ab", whole));
  EXPECT_TRUE(IsVisible("MIG-1234", part));
  EXPECT_FALSE(IsVisible("MIG-9", part));
}

TEST_F(DevicesTest, ProcessorsAreSharedFairly) {
  options_.kind = DeviceKind::kCpu;
  options_.slots = 3;
  DevicePlan plan = Cpus();
  ASSERT_THAT(plan.slots, SizeIs(3));
  std::vector<int> all;
  for (const SlotPlan& slot : plan.slots) {
    EXPECT_EQ(static_cast<int>(slot.cpus.size()), slot.info.cpus);
    EXPECT_EQ(slot.info.memory_gib, 30);
    EXPECT_EQ(slot.env.at("CUDA_VISIBLE_DEVICES"), "");
    all.insert(all.end(), slot.cpus.begin(), slot.cpus.end());
  }
  EXPECT_EQ(all, host_.cpus);
  EXPECT_THAT(plan.precisions, ElementsAre("fp32", "bf16", "adaptive"));

  options_.slots = 20;  // more than there are: not pinned
  for (const SlotPlan& slot : Cpus().slots) {
    EXPECT_THAT(slot.cpus, IsEmpty());
    EXPECT_EQ(slot.info.cpus, 1);
  }
  options_.slots = 0;
  EXPECT_THAT(Cpus().slots, SizeIs(2));  // 8 processors: four each
  host_.cpu_quota = 2.0;
  plan = Cpus();
  EXPECT_THAT(plan.slots, SizeIs(2));
  EXPECT_THAT(plan.slots[0].cpus, IsEmpty());  // any two of eight
  options_.precisions = {"fp32"};
  EXPECT_THAT(Cpus().precisions, ElementsAre("fp32"));
  options_.precisions = {"fp32", "fp16"};  // each of its trials would fail
  EXPECT_EQ(PlanDevices(options_, host_, nullptr).status().message(),
            "--precisions: the trainer computes fp16 on GPUs only; processors compute fp32, bf16 "
            "and adaptive");
  options_.precisions = {};
  options_.slots = -1;
  EXPECT_FALSE(PlanDevices(options_, host_, nullptr).ok());
}

TEST_F(DevicesTest, ShortNames) {
  const std::pair<const char*, const char*> names[] = {{"NVIDIA H200", "H200"},
                                                       {"NVIDIA A100-SXM4-80GB", "A100"},
                                                       {"Tesla V100-SXM2-16GB", "V100"},
                                                       {"NVIDIA GeForce RTX 4090", "RTX4090"},
                                                       {"NVIDIA RTX A6000", "A6000"},
                                                       {"NVIDIA H100 PCIe", "H100"},
                                                       {"NVIDIA H200 MIG 1g.18gb", "H200"}};
  for (const auto& [name, brief] : names) EXPECT_EQ(ShortGpuName(name), brief);
}

TEST_F(DevicesTest, NoDriverIsSaidAsSuch) {
  EXPECT_EQ(Nvml::Load("/nonexistent.so").status().code(), Code::kNotFound);
  Machine("");
  EXPECT_EQ(Nvml::Load(FUSOR_FAKE_NVML_LIBRARY).status().code(), Code::kUnavailable);
}

TEST_F(DevicesTest, TheMonitorTellsWhenAProcessHasLeft) {
  const std::string gpu =
      "driver 580.95 13000\ngpu GPU-aaa 1000 9.0 00000000:3B:00.0 NVIDIA H200\n";
  Machine(gpu + "process GPU-aaa 4711\nprocess GPU-aaa 4712\n");
  GpuMonitor monitor(Load(), {"GPU-aaa"});
  std::mutex mu;
  std::condition_variable changed;
  int free = 0;
  const auto wait_for = [&](int count) {
    std::unique_lock lock(mu);
    return changed.wait_for(lock, std::chrono::seconds(20), [&] { return free >= count; });
  };
  const auto count = [&] {
    const std::lock_guard lock(mu);
    ++free;
    changed.notify_all();
  };
  monitor.WhenFree("GPU-aaa", 4711, count);
  monitor.WhenFree("GPU-aaa", 1, count);  // was never there
  ASSERT_TRUE(wait_for(1));
  {
    const std::lock_guard lock(mu);
    EXPECT_EQ(free, 1);
  }
  Machine(gpu + "process GPU-aaa 4712\n");
  EXPECT_TRUE(wait_for(2));
}

TEST_F(DevicesTest, HostLimitsFollowTheControlGroups) {
  Write("root/proc/meminfo", "MemTotal:       16000000 kB\nMemFree: 1 kB\n");
  Write("root/proc/self/cgroup", "0::/user/job\n");
  Write("root/sys/fs/cgroup/user/cpu.max", "250000 100000\n");
  Write("root/sys/fs/cgroup/user/job/cpu.max", "max 100000\n");
  Write("root/sys/fs/cgroup/user/job/memory.max", "1073741824\n");
  Write("root/sys/fs/cgroup/user/job/memory.events", "low 0\noom 2\noom_kill 3\n");
  HostLimits host = ReadHostLimits(options_.root, {0, 1, 2, 3});
  EXPECT_EQ(host.cpu_quota, 2.5);
  EXPECT_EQ(host.CpuCount(), 3);
  EXPECT_FALSE(host.CanPin());
  EXPECT_EQ(host.memory_bytes, 1ULL << 30);
  EXPECT_EQ(OutOfMemoryKills(options_.root), 3u);

  Write("root/proc/self/cgroup", "4:memory:/slurm/job1\n3:cpu,cpuacct:/slurm/job1\n0::/\n");
  Write("root/sys/fs/cgroup/memory/slurm/job1/memory.limit_in_bytes", "2147483648\n");
  Write("root/sys/fs/cgroup/memory/slurm/job1/memory.oom_control",
        "oom_kill_disable 0\noom_kill 5\n");
  host = ReadHostLimits(options_.root, {0, 1});
  EXPECT_EQ(host.memory_bytes, 2ULL << 30);
  EXPECT_EQ(OutOfMemoryKills(options_.root), 5u);
  EXPECT_TRUE(host.CanPin());
}

TEST_F(DevicesTest, ListsOfProcessors) {
  EXPECT_THAT(ParseCpuList("0-2,7"), ElementsAre(0, 1, 2, 7));
  EXPECT_THAT(ParseCpuList("5"), ElementsAre(5));
  for (const char* text : {"", "a", "3-1", "1-", "1,,2"})
    EXPECT_THAT(ParseCpuList(text), IsEmpty());
}

}  // namespace
}  // namespace fusor::agent
