#include "worker/process/nvml.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace fusor::agent {

namespace {

constexpr const char* kSystemLibrary = "libnvidia-ml.so.1";
constexpr int kSuccess = 0;
constexpr int kInsufficientSize = 7;
constexpr unsigned kTemperatureGpu = 0;
constexpr std::size_t kTextBytes = 96;

// The library's structures, as its interface fixes them.
struct MemoryInfo {
  unsigned long long total;
  unsigned long long free;
  unsigned long long used;
};
struct Utilization {
  unsigned gpu;
  unsigned memory;
};
struct PciInfo {
  char bus_id_legacy[16];
  unsigned domain;
  unsigned bus;
  unsigned device;
  unsigned pci_device_id;
  unsigned pci_subsystem_id;
  char bus_id[32];
};
struct ProcessInfo {
  unsigned pid;
  unsigned long long used_memory;
  unsigned gpu_instance;
  unsigned compute_instance;
};

using Text = std::array<char, kTextBytes>;

// sysfs writes four digits of domain and small letters, the library eight and capitals.
std::string SysfsBusId(std::string id) {
  std::transform(id.begin(), id.end(), id.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const std::size_t colon = id.find(':');
  if (colon != std::string::npos && colon > 4) id.erase(0, colon - 4);
  return id;
}

constexpr double kGib = 1024.0 * 1024.0 * 1024.0;

}  // namespace

struct Nvml::Functions {
  ~Functions() {
    if (initialized) Shutdown();
    if (library != nullptr) dlclose(library);
  }

  void* library = nullptr;
  bool initialized = false;

  int (*Init)() = nullptr;
  int (*Shutdown)() = nullptr;
  const char* (*ErrorString)(int) = nullptr;
  int (*DriverVersion)(char*, unsigned) = nullptr;
  int (*CudaDriverVersion)(int*) = nullptr;
  int (*DeviceCount)(unsigned*) = nullptr;
  int (*DeviceByIndex)(unsigned, void**) = nullptr;
  int (*DeviceByUuid)(const char*, void**) = nullptr;
  int (*Uuid)(void*, char*, unsigned) = nullptr;
  int (*Name)(void*, char*, unsigned) = nullptr;
  int (*Index)(void*, unsigned*) = nullptr;
  int (*Memory)(void*, MemoryInfo*) = nullptr;
  int (*Capability)(void*, int*, int*) = nullptr;
  int (*Pci)(void*, PciInfo*) = nullptr;
  int (*Utilized)(void*, Utilization*) = nullptr;
  int (*Temperature)(void*, unsigned, unsigned*) = nullptr;
  int (*Power)(void*, unsigned*) = nullptr;
  int (*Processes)(void*, unsigned*, ProcessInfo*) = nullptr;
  // Of drivers that know partitions; else null.
  int (*MigMode)(void*, unsigned*, unsigned*) = nullptr;
  int (*MigCount)(void*, unsigned*) = nullptr;
  int (*MigByIndex)(void*, unsigned, void**) = nullptr;

  template <class Function>
  bool Find(const char* name, Function*& function) {
    function = reinterpret_cast<Function*>(dlsym(library, name));
    return function != nullptr;
  }

  // The names of those that must be there, and were not.
  std::string FindAll() {
    std::string missing;
    const auto need = [&](const char* name, auto*& function) {
      if (!Find(name, function)) missing += std::string(" ") + name;
    };
    need("nvmlInit_v2", Init);
    need("nvmlShutdown", Shutdown);
    need("nvmlErrorString", ErrorString);
    need("nvmlSystemGetDriverVersion", DriverVersion);
    need("nvmlSystemGetCudaDriverVersion", CudaDriverVersion);
    need("nvmlDeviceGetCount_v2", DeviceCount);
    need("nvmlDeviceGetHandleByIndex_v2", DeviceByIndex);
    need("nvmlDeviceGetHandleByUUID", DeviceByUuid);
    need("nvmlDeviceGetUUID", Uuid);
    need("nvmlDeviceGetName", Name);
    need("nvmlDeviceGetIndex", Index);
    need("nvmlDeviceGetMemoryInfo", Memory);
    need("nvmlDeviceGetCudaComputeCapability", Capability);
    need("nvmlDeviceGetPciInfo_v3", Pci);
    need("nvmlDeviceGetUtilizationRates", Utilized);
    need("nvmlDeviceGetTemperature", Temperature);
    need("nvmlDeviceGetPowerUsage", Power);
    if (!Find("nvmlDeviceGetComputeRunningProcesses_v3", Processes)) {
      need("nvmlDeviceGetComputeRunningProcesses_v2", Processes);
    }
    Find("nvmlDeviceGetMigMode", MigMode);
    Find("nvmlDeviceGetMaxMigDeviceCount", MigCount);
    Find("nvmlDeviceGetMigDeviceHandleByIndex", MigByIndex);
    return missing;
  }
};

Result<std::unique_ptr<Nvml>> Nvml::Load(const std::string& path) {
  auto functions = std::make_unique<Functions>();
  const std::string name = path.empty() ? kSystemLibrary : path;
  functions->library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (functions->library == nullptr) return NotFound("no NVIDIA driver: " + std::string(dlerror()));
  const std::string missing = functions->FindAll();
  if (!missing.empty()) {
    return FailedPrecondition("the NVIDIA driver is too old: " + name + " lacks" + missing);
  }
  const int code = functions->Init();
  if (code != kSuccess) {
    return Unavailable("the NVIDIA driver does not answer: " +
                       std::string(functions->ErrorString(code)));
  }
  functions->initialized = true;
  return std::unique_ptr<Nvml>(new Nvml(std::move(functions)));
}

Nvml::Nvml(std::unique_ptr<Functions> functions) : functions_(std::move(functions)) {}

Nvml::~Nvml() = default;

std::string Nvml::ErrorText(int code) const { return functions_->ErrorString(code); }

std::string Nvml::DriverVersion() {
  Text text{};
  return functions_->DriverVersion(text.data(), text.size()) == kSuccess ? text.data() : "";
}

int Nvml::CudaVersion() {
  int version = 0;
  return functions_->CudaDriverVersion(&version) == kSuccess ? version : 0;
}

Result<GpuDescription> Nvml::Describe(void* device) {
  GpuDescription gpu;
  Text text{};
  if (const int code = functions_->Uuid(device, text.data(), text.size()); code != kSuccess) {
    return Unavailable("UUID of a GPU: " + ErrorText(code));
  }
  gpu.uuid = gpu.parent_uuid = text.data();
  if (functions_->Name(device, text.data(), text.size()) == kSuccess) gpu.name = text.data();
  functions_->Index(device, &gpu.index);
  MemoryInfo memory{};
  if (functions_->Memory(device, &memory) == kSuccess) gpu.memory_bytes = memory.total;
  functions_->Capability(device, &gpu.capability_major, &gpu.capability_minor);
  PciInfo pci{};
  if (functions_->Pci(device, &pci) == kSuccess) gpu.pci_bus_id = SysfsBusId(pci.bus_id);
  return gpu;
}

Result<std::vector<GpuDescription>> Nvml::Parts(void* device, const GpuDescription& whole) {
  std::vector<GpuDescription> parts;
  unsigned now = 0;
  unsigned pending = 0;
  const bool knows = functions_->MigMode != nullptr && functions_->MigCount != nullptr &&
                     functions_->MigByIndex != nullptr;
  if (!knows || functions_->MigMode(device, &now, &pending) != kSuccess || now == 0) {
    parts.push_back(whole);
    return parts;
  }
  unsigned count = 0;
  if (functions_->MigCount(device, &count) != kSuccess) return parts;
  for (unsigned i = 0; i < count; ++i) {
    void* handle = nullptr;
    if (functions_->MigByIndex(device, i, &handle) != kSuccess) continue;  // a free place
    Result<GpuDescription> part = Describe(handle);
    if (!part.ok()) return part.status();
    part->index = whole.index;
    part->parent_uuid = whole.uuid;
    part->capability_major = whole.capability_major;
    part->capability_minor = whole.capability_minor;
    part->pci_bus_id = whole.pci_bus_id;
    if (part->name.empty()) part->name = whole.name;
    parts.push_back(std::move(*part));
  }
  return parts;
}

Result<std::vector<GpuDescription>> Nvml::Devices() {
  unsigned count = 0;
  if (const int code = functions_->DeviceCount(&count); code != kSuccess) {
    return Unavailable("counting GPUs: " + ErrorText(code));
  }
  std::vector<GpuDescription> all;
  for (unsigned i = 0; i < count; ++i) {
    void* handle = nullptr;
    // Refused for a device that this user may not use.
    if (functions_->DeviceByIndex(i, &handle) != kSuccess) continue;
    Result<GpuDescription> whole = Describe(handle);
    if (!whole.ok()) return whole.status();
    whole->index = i;
    Result<std::vector<GpuDescription>> parts = Parts(handle, *whole);
    if (!parts.ok()) return parts.status();
    all.insert(all.end(), parts->begin(), parts->end());
  }
  return all;
}

void* Nvml::HandleOf(const std::string& uuid) {
  void* handle = nullptr;
  return functions_->DeviceByUuid(uuid.c_str(), &handle) == kSuccess ? handle : nullptr;
}

GpuSample Nvml::Sample(const std::string& uuid) {
  GpuSample sample;
  void* device = HandleOf(uuid);
  if (device == nullptr) return sample;
  Utilization utilization{};
  if (functions_->Utilized(device, &utilization) == kSuccess) {
    sample.utilization_percent = utilization.gpu;
  }
  MemoryInfo memory{};
  if (functions_->Memory(device, &memory) == kSuccess) {
    sample.memory_gib = static_cast<double>(memory.used) / kGib;
  }
  unsigned value = 0;
  if (functions_->Temperature(device, kTemperatureGpu, &value) == kSuccess) {
    sample.temperature_celsius = value;
  }
  if (functions_->Power(device, &value) == kSuccess) sample.power_watts = value / 1000.0;
  return sample;
}

std::optional<std::vector<std::uint32_t>> Nvml::ProcessesOn(const std::string& uuid) {
  void* device = HandleOf(uuid);
  if (device == nullptr) return std::nullopt;
  std::vector<ProcessInfo> infos(64);
  for (int tries = 0; tries < 3; ++tries) {
    unsigned count = static_cast<unsigned>(infos.size());
    const int code = functions_->Processes(device, &count, infos.data());
    if (code == kInsufficientSize) {
      infos.resize(count + 64);
      continue;
    }
    if (code != kSuccess) return std::nullopt;
    std::vector<std::uint32_t> pids;
    for (unsigned i = 0; i < count; ++i) pids.push_back(infos[i].pid);
    return pids;
  }
  return std::nullopt;
}

}  // namespace fusor::agent
