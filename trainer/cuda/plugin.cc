// libfusor_cuda.so. Uses nothing of the product's libraries, so that it can be loaded by any
// program that keeps to plugin.h.

#include "trainer/cuda/plugin.h"

#include <ATen/Context.h>
#include <ATen/cuda/CUDAContext.h>
#include <ATen/ops/empty_like.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

namespace fusor {
namespace {

constexpr c10::DeviceIndex kDevice = 0;

class Plugin final : public CudaPlugin {
 public:
  std::string Version() const override {
    return "CUDA " + std::to_string(CUDART_VERSION / 1000) + "." +
           std::to_string(CUDART_VERSION % 1000 / 10);
  }

  void Start() override {
    at::globalContext().lazyInitDevice(c10::DeviceType::CUDA);
    c10::cuda::set_device(kDevice);
    c10::cuda::device_synchronize();
    at::globalContext().setBenchmarkCuDNN(true);
  }

  void AllowTf32(bool allow) override {
    at::globalContext().setAllowTF32CuBLAS(allow);
    at::globalContext().setAllowTF32CuDNN(allow);
  }

  std::string DeviceName() const override { return at::cuda::getDeviceProperties(kDevice)->name; }

  CudaMemory Memory() const override {
    using c10::CachingAllocator::StatType;
    const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(kDevice);
    constexpr auto kAll = static_cast<std::size_t>(StatType::AGGREGATE);
    CudaMemory memory;
    memory.total_bytes = at::cuda::getDeviceProperties(kDevice)->totalGlobalMem;
    memory.allocated_bytes = static_cast<std::uint64_t>(stats.allocated_bytes[kAll].current);
    memory.reserved_bytes = static_cast<std::uint64_t>(stats.reserved_bytes[kAll].current);
    memory.peak_bytes = static_cast<std::uint64_t>(stats.allocated_bytes[kAll].peak);
    return memory;
  }

  at::Tensor ToDevice(const at::Tensor& tensor) override {
    const at::Device device(c10::DeviceType::CUDA, kDevice);
    at::Tensor pinned = at::empty_like(tensor, tensor.options().pinned_memory(true));
    pinned.copy_(tensor);
    // The caching host allocator keeps `pinned` from being used again before the copy is over.
    return pinned.to(device, tensor.scalar_type(), /*non_blocking=*/true);
  }

  void Synchronize() override { c10::cuda::device_synchronize(); }
};

}  // namespace
}  // namespace fusor

extern "C" __attribute__((visibility("default"))) fusor::CudaPlugin* FusorCudaPlugin() {
  static fusor::Plugin plugin;
  return &plugin;
}
