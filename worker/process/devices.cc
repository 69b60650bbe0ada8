#include "worker/process/devices.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>
#include <sstream>

#include "common/base/limits.h"
#include "worker/process/gpu_lock.h"
#include "worker/system/files.h"

namespace fusor::agent {

namespace {

constexpr double kGib = 1024.0 * 1024.0 * 1024.0;
constexpr int kCpusPerSlot = 4;

// "13.0" -> 13000, as the driver counts.
int CudaNumber(const std::string& version) {
  int major = 0;
  int minor = 0;
  if (std::sscanf(version.c_str(), "%d.%d", &major, &minor) < 1) return 0;
  return 1'000 * major + 10 * minor;
}

std::string CudaText(int number) {
  return std::to_string(number / 1'000) + "." + std::to_string(number % 1'000 / 10);
}

// Splits `cpus` into `parts` runs that differ by at most one in length.
std::vector<std::vector<int>> Split(const std::vector<int>& cpus, std::size_t parts) {
  std::vector<std::vector<int>> split(parts);
  for (std::size_t i = 0; i < cpus.size(); ++i) split[i * parts / cpus.size()].push_back(cpus[i]);
  return split;
}

struct Share {
  int cpus = 1;
  double memory_gib = 0;
  double disk_gib = 0;
};

Share ShareOf(const DeviceOptions& options, const HostLimits& host, std::size_t slots) {
  const auto count = static_cast<double>(slots);
  const double memory = options.memory_gib > 0
                            ? options.memory_gib
                            : static_cast<double>(host.memory_bytes) * 0.9 / kGib;
  const auto floor = [](double gib) { return std::floor(gib * 100) / 100; };
  return {.cpus = std::max(1, host.CpuCount() / static_cast<int>(slots)),
          .memory_gib = floor(memory / count),
          .disk_gib = floor(static_cast<double>(FreeBytes(options.data_directory)) / kGib / count)};
}

int SensibleCpuSlots(int cpus) { return std::max(std::min(cpus, 2), cpus / kCpusPerSlot); }

Result<DevicePlan> PlanCpus(const DeviceOptions& options, const HostLimits& host,
                            std::vector<std::string> notes) {
  DevicePlan plan;
  plan.notes = std::move(notes);
  const int slots = options.slots > 0 ? options.slots : SensibleCpuSlots(host.CpuCount());
  const Share share = ShareOf(options, host, static_cast<std::size_t>(slots));
  std::vector<std::vector<int>> cpus(static_cast<std::size_t>(slots));
  if (host.CanPin() && slots <= host.CpuCount()) cpus = Split(host.cpus, cpus.size());
  for (int i = 0; i < slots; ++i) {
    SlotPlan slot;
    slot.cpus = cpus[static_cast<std::size_t>(i)];
    slot.info = {.index = static_cast<std::uint32_t>(i),
                 .cpus = slot.cpus.empty() ? share.cpus : static_cast<int>(slot.cpus.size()),
                 .memory_gib = share.memory_gib,
                 .disk_gib = share.disk_gib};
    // A trial on a CPU slot must not touch the GPUs, which others use.
    slot.env["CUDA_VISIBLE_DEVICES"] = "";
    plan.slots.push_back(std::move(slot));
  }
  plan.precisions = {"fp32", "bf16", "adaptive"};
  return plan;
}

bool IsNumber(const std::string& entry) {
  return !entry.empty() && entry.find_first_not_of("0123456789") == std::string::npos;
}

// CUDA numbers GPUs of different kinds by their speed, the driver's list by their place: a number
// would mean another GPU than it says.
bool NumbersAreAmbiguous(const DeviceOptions& options, const std::vector<GpuDescription>& all) {
  if (!options.cuda_visible_devices || options.cuda_device_order == "PCI_BUS_ID") return false;
  std::istringstream in(*options.cuda_visible_devices);
  bool any_number = false;
  for (std::string entry; std::getline(in, entry, ',');) any_number |= IsNumber(entry);
  return any_number && std::any_of(all.begin(), all.end(), [&](const GpuDescription& gpu) {
           return gpu.name != all.front().name;
         });
}

// The devices that this worker may offer, each locked; the others become notes.
std::vector<GpuDescription> ChooseGpus(const DeviceOptions& options, Nvml& nvml,
                                       const std::vector<GpuDescription>& all, DevicePlan& plan) {
  std::vector<GpuDescription> chosen;
  if (NumbersAreAmbiguous(options, all)) {
    plan.notes.push_back("CUDA_VISIBLE_DEVICES=" + *options.cuda_visible_devices +
                         " may mean other GPUs than it says, as they are of different kinds: name "
                         "them by UUID, or set CUDA_DEVICE_ORDER=PCI_BUS_ID");
    return chosen;
  }
  const std::string driver = nvml.DriverVersion();
  const int cuda = nvml.CudaVersion();
  for (const GpuDescription& gpu : all) {
    if (!IsVisible(options.cuda_visible_devices, gpu)) continue;
    if (options.slots > 0 && chosen.size() == static_cast<std::size_t>(options.slots)) break;
    std::string why = WhyNotServed(gpu, options.trainer_cuda, cuda, driver);
    if (why.empty()) {
      Result<UniqueFd> lock = LockDevice(options.lock_directory, gpu.uuid);
      if (lock.ok()) {
        plan.locks.push_back(std::move(*lock));
        chosen.push_back(gpu);
        continue;
      }
      why = lock.status().message();
    }
    plan.notes.push_back(gpu.name + " " + gpu.uuid + " (compute capability " +
                         std::to_string(gpu.capability_major) + "." +
                         std::to_string(gpu.capability_minor) + ", driver " + driver +
                         ") is not offered: " + why);
  }
  return chosen;
}

// Cores near each device, shared with the other devices that are near the same ones.
std::vector<std::vector<int>> CpusFor(const DeviceOptions& options, const HostLimits& host,
                                      const std::vector<GpuDescription>& gpus) {
  std::map<std::vector<int>, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < gpus.size(); ++i) {
    std::vector<int> near;
    for (const int cpu : CpusNear(options.root, gpus[i].pci_bus_id)) {
      if (std::find(host.cpus.begin(), host.cpus.end(), cpu) != host.cpus.end())
        near.push_back(cpu);
    }
    groups[near.empty() ? host.cpus : near].push_back(i);
  }
  std::vector<std::vector<int>> cpus(gpus.size());
  if (!host.CanPin()) return cpus;
  for (const auto& [near, members] : groups) {
    if (near.size() < members.size()) continue;
    const std::vector<std::vector<int>> split = Split(near, members.size());
    for (std::size_t k = 0; k < members.size(); ++k) cpus[members[k]] = split[k];
  }
  // Groups that overlap would share cores: better no pins than wrong ones.
  std::set<int> seen;
  for (const std::vector<int>& each : cpus) {
    for (const int cpu : each) {
      if (!seen.insert(cpu).second) return std::vector<std::vector<int>>(gpus.size());
    }
  }
  return cpus;
}

std::vector<std::string> GpuPrecisions(const std::vector<GpuDescription>& gpus) {
  const bool ampere = std::all_of(gpus.begin(), gpus.end(),
                                  [](const auto& gpu) { return gpu.capability_major >= 8; });
  if (ampere) return {"fp32", "tf32", "bf16", "fp16", "adaptive"};
  return {"fp32", "fp16"};
}

Result<DevicePlan> PlanGpus(const DeviceOptions& options, const HostLimits& host, Nvml& nvml) {
  Result<std::vector<GpuDescription>> all = nvml.Devices();
  if (!all.ok()) return all.status();
  DevicePlan plan;
  const std::vector<GpuDescription> gpus = ChooseGpus(options, nvml, *all, plan);
  if (gpus.empty()) return plan;
  const Share share = ShareOf(options, host, gpus.size());
  const std::vector<std::vector<int>> cpus = CpusFor(options, host, gpus);
  for (std::size_t i = 0; i < gpus.size(); ++i) {
    const GpuDescription& gpu = gpus[i];
    SlotPlan slot;
    slot.cpus = cpus[i];
    slot.info = {.index = static_cast<std::uint32_t>(i),
                 .gpu = true,
                 .device_uuid = gpu.uuid,
                 .device_name = gpu.name,
                 .gpu_type = ShortGpuName(gpu.name),
                 .device_memory_gib = static_cast<double>(gpu.memory_bytes) / kGib,
                 .cpus = slot.cpus.empty() ? share.cpus : static_cast<int>(slot.cpus.size()),
                 .memory_gib = share.memory_gib,
                 .disk_gib = share.disk_gib};
    slot.env["CUDA_VISIBLE_DEVICES"] = gpu.uuid;
    slot.facts = {
        {"device.uuid", gpu.uuid}, {"device.name", gpu.name}, {"driver", nvml.DriverVersion()}};
    plan.slots.push_back(std::move(slot));
  }
  plan.precisions = GpuPrecisions(gpus);
  return plan;
}

}  // namespace

std::string ShortGpuName(const std::string& name) {
  std::istringstream words(name.substr(0, name.find('-')));
  std::string family;
  for (std::string word; words >> word;) {
    if (word == "NVIDIA" || word == "Tesla" || word == "GeForce" || word == "Quadro") continue;
    if (word == "RTX" || word == "GTX") {
      family = word;
      continue;
    }
    // "RTX 4090" is known by both words, "RTX A6000" by the second.
    return !family.empty() && std::isdigit(static_cast<unsigned char>(word[0])) != 0 ? family + word
                                                                                     : word;
  }
  return family.empty() ? name : family;
}

bool IsVisible(const std::optional<std::string>& visible, const GpuDescription& gpu) {
  if (!visible) return true;
  std::istringstream in(*visible);
  for (std::string entry; std::getline(in, entry, ',');) {
    // As CUDA reads it: what follows a wrong entry counts for nothing.
    if (entry.empty() || entry[0] == '-') return false;
    if (IsNumber(entry) ? entry == std::to_string(gpu.index)
                        : gpu.uuid.starts_with(entry) || gpu.parent_uuid.starts_with(entry)) {
      return true;
    }
  }
  return false;
}

std::string WhyNotServed(const GpuDescription& gpu, const std::string& trainer_cuda,
                         int driver_cuda, const std::string& driver_version) {
  if (trainer_cuda.empty()) {
    return "the trainer was built without CUDA; build it with its CUDA libraries (make setup "
           "CUDA=1)";
  }
  const int needed = CudaNumber(trainer_cuda);
  if (driver_cuda != 0 && driver_cuda / 1'000 < needed / 1'000) {
    return "driver " + driver_version + " serves CUDA up to " + CudaText(driver_cuda) +
           ", the trainer needs " + trainer_cuda +
           "; install a newer driver, or a trainer built for CUDA " +
           std::to_string(driver_cuda / 1'000);
  }
  // The pinned LibTorch has code for 7.5 and newer; builds for CUDA 12.6 still serve 5.0.
  const int least = needed >= 12'080 ? 75 : 50;
  const int has = 10 * gpu.capability_major + gpu.capability_minor;
  if (has != 0 && has < least) {
    return "its compute capability " + std::to_string(gpu.capability_major) + "." +
           std::to_string(gpu.capability_minor) + " is below " + std::to_string(least / 10) + "." +
           std::to_string(least % 10) + ", the least that a trainer for CUDA " + trainer_cuda +
           " serves; use a LibTorch built for CUDA 12.6 (FUSOR_TORCH)";
  }
  return "";
}

Result<DevicePlan> PlanDevices(const DeviceOptions& options, const HostLimits& host, Nvml* nvml) {
  if (options.slots < 0 || options.slots > static_cast<int>(limits::kSlotsPerWorkerMax)) {
    return InvalidArgument("--slots must lie between 1 and " +
                           std::to_string(limits::kSlotsPerWorkerMax));
  }
  DevicePlan plan;
  if (options.kind != DeviceKind::kCpu && nvml != nullptr) {
    Result<DevicePlan> gpus = PlanGpus(options, host, *nvml);
    if (gpus.ok()) {
      plan = std::move(*gpus);
    } else {
      plan.notes.push_back("GPUs are not offered: " + gpus.status().message());
    }
  }
  if (plan.slots.empty() && options.kind == DeviceKind::kGpu) {
    std::string why = "no GPU can be offered";
    for (const std::string& note : plan.notes) why += "\n  " + note;
    return FailedPrecondition(why);
  }
  if (plan.slots.empty()) {
    Result<DevicePlan> cpus = PlanCpus(options, host, std::move(plan.notes));
    if (!cpus.ok()) return cpus.status();
    plan = std::move(*cpus);
  }
  if (!options.precisions.empty()) {
    const bool gpu = plan.slots.front().info.gpu;
    for (const std::string& precision : options.precisions) {
      if (!gpu && (precision == "fp16" || precision == "tf32")) {
        return InvalidArgument("--precisions: the trainer computes " + precision +
                               " on GPUs only; processors compute fp32, bf16 and adaptive");
      }
    }
    plan.precisions = options.precisions;
  }
  return plan;
}

}  // namespace fusor::agent
