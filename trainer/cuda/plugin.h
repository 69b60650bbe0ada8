#pragma once

// What the trainer asks of a GPU. The plug-in libfusor_cuda.so answers; it is the only thing that
// is linked with LibTorch's CUDA part, and loaded only where a GPU is. Everything throws what
// LibTorch throws. One device per process: the first that CUDA_VISIBLE_DEVICES leaves.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

namespace fusor {

struct CudaMemory {
  std::uint64_t total_bytes = 0;      // of the device
  std::uint64_t allocated_bytes = 0;  // by tensors, now
  std::uint64_t reserved_bytes = 0;   // from the driver, now
  std::uint64_t peak_bytes = 0;       // the most that tensors ever held
};

class CudaPlugin {
 public:
  virtual ~CudaPlugin() = default;

  // What it was built with. Calls nothing of CUDA, so that a process may still fork.
  virtual std::string Version() const = 0;

  // Makes the context; after this the process must not fork.
  virtual void Start() = 0;
  // Whether fp32 products may be rounded to tf32.
  virtual void AllowTf32(bool allow) = 0;
  virtual std::string DeviceName() const = 0;
  virtual CudaMemory Memory() const = 0;

  // A copy on the device, by way of pinned memory and without waiting for it.
  virtual at::Tensor ToDevice(const at::Tensor& tensor) = 0;
  virtual void Synchronize() = 0;
};

// The name of the function that the plug-in exports: it returns its one object.
inline constexpr char kCudaPluginEntry[] = "FusorCudaPlugin";
using CudaPluginEntry = CudaPlugin* (*)();

}  // namespace fusor
