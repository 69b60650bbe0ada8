#pragma once

// GPUs as the driver's management library sees them. It is loaded at run time, declared here by
// hand, and creates no CUDA context. Not thread-safe by our own choice: one thread at a time.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/status.h"

namespace fusor::agent {

struct GpuDescription {
  unsigned index = 0;       // of the whole GPU, in the library's (PCI) order
  std::string uuid;         // "GPU-..." or, of a part of one, "MIG-..."
  std::string parent_uuid;  // of a part: the whole GPU's; else the same as uuid
  std::string name;         // "NVIDIA H200"
  std::uint64_t memory_bytes = 0;
  int capability_major = 0;
  int capability_minor = 0;
  std::string pci_bus_id;  // "0000:3b:00.0"
};

// What cannot be read stays empty.
struct GpuSample {
  std::optional<double> utilization_percent;
  std::optional<double> memory_gib;
  std::optional<double> temperature_celsius;
  std::optional<double> power_watts;
};

class Nvml {
 public:
  // The library at the path, or the system's own when it is empty. NOT_FOUND where there is none.
  static Result<std::unique_ptr<Nvml>> Load(const std::string& path);
  ~Nvml();

  // GPUs, and instead of a partitioned one its parts.
  Result<std::vector<GpuDescription>> Devices();
  std::string DriverVersion();
  // The newest CUDA that the driver serves, as 1000 * major + 10 * minor; 0 when unknown.
  int CudaVersion();

  GpuSample Sample(const std::string& uuid);
  // The processes that compute on the device, or nothing when that cannot be known.
  std::optional<std::vector<std::uint32_t>> ProcessesOn(const std::string& uuid);

 private:
  struct Functions;
  explicit Nvml(std::unique_ptr<Functions> functions);
  std::string ErrorText(int code) const;
  Result<GpuDescription> Describe(void* device);
  Result<std::vector<GpuDescription>> Parts(void* device, const GpuDescription& whole);
  void* HandleOf(const std::string& uuid);

  std::unique_ptr<Functions> functions_;
};

}  // namespace fusor::agent
