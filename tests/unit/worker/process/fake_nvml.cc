// A stand-in for the driver's management library. FUSOR_FAKE_NVML names a file of lines
//
//   driver VERSION CUDA            e.g. driver 580.95 13000
//   gpu UUID MIB MAJOR.MINOR PCI NAME...
//   part UUID MIB NAME...          of the gpu above, which is then partitioned
//   process UUID PID
//
// which is read anew at every call, so that a test can change it.

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct Device {
  std::string uuid;
  unsigned long long mib = 0;
  int major = 0;
  int minor = 0;
  std::string pci;
  std::string name;
  std::vector<std::string> parts;
  unsigned index = 0;
};

struct World {
  std::string driver;
  int cuda = 0;
  std::vector<std::string> gpus;
  std::map<std::string, Device> devices;
  std::multimap<std::string, unsigned> processes;
};

World Read() {
  World world;
  const char* path = std::getenv("FUSOR_FAKE_NVML");
  std::ifstream in(path == nullptr ? "" : path);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    if (kind == "driver") words >> world.driver >> world.cuda;
    if (kind == "gpu" || kind == "part") {
      Device device;
      char dot = 0;
      words >> device.uuid >> device.mib;
      if (kind == "gpu") words >> device.major >> dot >> device.minor >> device.pci;
      std::getline(words >> std::ws, device.name);
      if (kind == "gpu") {
        device.index = static_cast<unsigned>(world.gpus.size());
        world.gpus.push_back(device.uuid);
      } else {
        world.devices[world.gpus.back()].parts.push_back(device.uuid);
      }
      world.devices[device.uuid] = device;
    }
    if (kind == "process") {
      std::string uuid;
      unsigned pid = 0;
      words >> uuid >> pid;
      world.processes.emplace(uuid, pid);
    }
  }
  return world;
}

// Handles are names that live as long as the library.
void* HandleOf(const std::string& uuid) {
  static std::map<std::string, std::unique_ptr<std::string>> names;
  auto& name = names[uuid];
  if (name == nullptr) name = std::make_unique<std::string>(uuid);
  return name.get();
}

const std::string& UuidOf(void* handle) { return *static_cast<std::string*>(handle); }

Device Find(void* handle) { return Read().devices[UuidOf(handle)]; }

int Give(const std::string& text, char* out, unsigned size) {
  if (text.size() >= size) return 7;
  std::memcpy(out, text.c_str(), text.size() + 1);
  return 0;
}

}  // namespace

extern "C" {

struct FakeMemory {
  unsigned long long total, free, used;
};
struct FakeUtilization {
  unsigned gpu, memory;
};
struct FakePci {
  char legacy[16];
  unsigned domain, bus, device, id, subsystem;
  char bus_id[32];
};
struct FakeProcess {
  unsigned pid;
  unsigned long long memory;
  unsigned gpu_instance, compute_instance;
};

int nvmlInit_v2() { return Read().driver.empty() ? 9 : 0; }
int nvmlShutdown() { return 0; }
const char* nvmlErrorString(int) { return "Driver Not Loaded"; }
int nvmlSystemGetDriverVersion(char* out, unsigned size) { return Give(Read().driver, out, size); }
int nvmlSystemGetCudaDriverVersion(int* version) {
  *version = Read().cuda;
  return 0;
}
int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = static_cast<unsigned>(Read().gpus.size());
  return 0;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
  const World world = Read();
  if (index >= world.gpus.size()) return 2;
  *device = HandleOf(world.gpus[index]);
  return 0;
}
int nvmlDeviceGetHandleByUUID(const char* uuid, void** device) {
  if (!Read().devices.contains(uuid)) return 6;
  *device = HandleOf(uuid);
  return 0;
}
int nvmlDeviceGetUUID(void* device, char* out, unsigned size) {
  return Give(UuidOf(device), out, size);
}
int nvmlDeviceGetName(void* device, char* out, unsigned size) {
  return Give(Find(device).name, out, size);
}
int nvmlDeviceGetIndex(void* device, unsigned* index) {
  *index = Find(device).index;
  return 0;
}
int nvmlDeviceGetMemoryInfo(void* device, FakeMemory* memory) {
  const unsigned long long total = Find(device).mib << 20;
  *memory = {total, total / 2, total / 2};
  return 0;
}
int nvmlDeviceGetCudaComputeCapability(void* device, int* major, int* minor) {
  *major = Find(device).major;
  *minor = Find(device).minor;
  return 0;
}
int nvmlDeviceGetPciInfo_v3(void* device, FakePci* pci) {
  return Give(Find(device).pci, pci->bus_id, sizeof pci->bus_id);
}
int nvmlDeviceGetUtilizationRates(void* device, FakeUtilization* rates) {
  if (UuidOf(device).starts_with("MIG")) return 3;
  *rates = {40, 10};
  return 0;
}
int nvmlDeviceGetTemperature(void*, unsigned, unsigned* celsius) {
  *celsius = 55;
  return 0;
}
int nvmlDeviceGetPowerUsage(void*, unsigned* milliwatts) {
  *milliwatts = 123'000;
  return 0;
}
int nvmlDeviceGetComputeRunningProcesses_v3(void* device, unsigned* count, FakeProcess* out) {
  const World world = Read();
  const auto [first, last] = world.processes.equal_range(UuidOf(device));
  const auto found = static_cast<unsigned>(std::distance(first, last));
  const bool fits = found <= *count;
  *count = found;
  if (!fits) return 7;
  for (auto at = first; at != last; ++at) *out++ = {at->second, 0, 0, 0};
  return 0;
}
int nvmlDeviceGetMigMode(void* device, unsigned* now, unsigned* pending) {
  *now = *pending = Find(device).parts.empty() ? 0 : 1;
  return 0;
}
int nvmlDeviceGetMaxMigDeviceCount(void*, unsigned* count) {
  *count = 7;
  return 0;
}
int nvmlDeviceGetMigDeviceHandleByIndex(void* device, unsigned index, void** part) {
  const Device whole = Find(device);
  if (index >= whole.parts.size()) return 6;
  *part = HandleOf(whole.parts[index]);
  return 0;
}

}  // extern "C"
