#pragma once

// Which slots this worker offers, and what each is pinned to.

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/session.h"
#include "worker/process/host.h"
#include "worker/process/nvml.h"
#include "worker/system/unique_fd.h"

namespace fusor::agent {

enum class DeviceKind { kAuto, kCpu, kGpu };

struct DeviceOptions {
  DeviceKind kind = DeviceKind::kAuto;
  int slots = 0;                        // 0 = as many as make sense
  double memory_gib = 0;                // for all slots together; 0 = nine tenths of the machine's
  std::vector<std::string> precisions;  // empty = by device
  std::optional<std::string> cuda_visible_devices;  // as inherited, this and the next
  std::optional<std::string> cuda_device_order;
  std::string trainer_cuda;  // the CUDA version that the trainer was built for; may be empty
  std::filesystem::path data_directory;  // where attempts live
  std::filesystem::path lock_directory;
  std::filesystem::path root = "/";  // before /proc and /sys
};

struct SlotPlan {
  SlotInfo info;
  std::vector<int> cpus;  // pinned to these; empty = not pinned
  std::map<std::string, std::string> env;
  Labels facts;  // about the device; stored with every attempt that runs on it
};

struct DevicePlan {
  std::vector<SlotPlan> slots;
  std::vector<std::string> precisions;
  std::vector<std::string> notes;  // devices not offered, and why
  std::vector<UniqueFd> locks;     // held as long as the worker offers them
};

// `nvml` is null where there is no driver. An error when what was asked for is not there.
Result<DevicePlan> PlanDevices(const DeviceOptions& options, const HostLimits& host, Nvml* nvml);

// "NVIDIA A100-SXM4-80GB" -> "A100".
std::string ShortGpuName(const std::string& name);

// Does an inherited CUDA_VISIBLE_DEVICES let the device through?
bool IsVisible(const std::optional<std::string>& visible, const GpuDescription& gpu);

// Why a trainer built for this CUDA version cannot use the device under this driver; empty if it
// can.
std::string WhyNotServed(const GpuDescription& gpu, const std::string& trainer_cuda,
                         int driver_cuda, const std::string& driver_version);

}  // namespace fusor::agent
