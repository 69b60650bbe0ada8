#pragma once

// What the trainer asks of a GPU. The plug-in libfusor_cuda.so answers; it is the only thing that
// is linked with LibTorch's CUDA part, and loaded only where a GPU is. Everything throws what
// LibTorch throws. One device per process: the first that CUDA_VISIBLE_DEVICES leaves.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace fusor {

struct CudaMemory {
  std::uint64_t total_bytes = 0;      // of the device
  std::uint64_t allocated_bytes = 0;  // by tensors, now
  std::uint64_t reserved_bytes = 0;   // from the driver, now
  std::uint64_t peak_bytes = 0;       // the most that tensors ever held
};

// Numbers on their way to the host.
class CudaArrival {
 public:
  virtual ~CudaArrival() = default;
  // Waits for these numbers alone, not for what was queued behind them.
  virtual const at::Tensor& Wait() = 0;
};

// Work that was recorded once and is queued as a whole.
class CudaGraph {
 public:
  virtual ~CudaGraph() = default;
  virtual void Replay() = 0;
};

// The thread that calls Start() is the one that computes; everything below is called by it alone.
class CudaPlugin {
 public:
  virtual ~CudaPlugin() = default;

  // What it was built with. Calls nothing of CUDA, so that a process may still fork.
  virtual std::string Version() const = 0;

  // Makes the context; after this the process must not fork.
  virtual void Start() = 0;
  // Whether fp32 products may be rounded to tf32.
  virtual void AllowTf32(bool allow) = 0;
  // Whether a convolution that has not been seen in this shape tries its kernels, for seconds, and
  // keeps the fastest; else one is chosen by rule.
  virtual void TuneConvolutions(bool tune) = 0;
  virtual std::string DeviceName() const = 0;
  virtual CudaMemory Memory() const = 0;

  // A copy on the device, by way of pinned memory and beside what is being computed: nothing waits
  // for it but what is queued from now on.
  virtual at::Tensor ToDevice(const at::Tensor& tensor) = 0;
  virtual std::unique_ptr<CudaArrival> ToHost(const at::Tensor& tensor) = 0;

  // Records what `work` queues, instead of running it. It must have run a few times before, so that
  // libraries have chosen their kernels, and must not wait for the device. Tensors that it makes
  // keep their memory as long as the graph; with every replay they change. When it throws, nothing
  // was recorded and the device can be used as before.
  virtual std::unique_ptr<CudaGraph> Capture(const std::function<void()>& work) = 0;

  virtual void Synchronize() = 0;
};

// The name of the function that the plug-in exports: it returns its one object. The number changes
// with the interface, so that a program and a plug-in of different ages do not find each other.
#define FUSOR_CUDA_PLUGIN_ENTRY FusorCudaPlugin3
#define FUSOR_TEXT(word) #word
#define FUSOR_TEXT_OF(macro) FUSOR_TEXT(macro)
inline constexpr char kCudaPluginEntry[] = FUSOR_TEXT_OF(FUSOR_CUDA_PLUGIN_ENTRY);
using CudaPluginEntry = CudaPlugin* (*)();

}  // namespace fusor
