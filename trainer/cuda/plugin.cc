// libfusor_cuda.so. Uses nothing of the product's libraries, so that it can be loaded by any
// program that keeps to plugin.h.

#include "trainer/cuda/plugin.h"

#include <ATen/Context.h>
#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAEvent.h>
#include <ATen/cuda/CUDAGraph.h>
#include <ATen/ops/empty_like.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

#include <exception>
#include <optional>
#include <utility>

namespace fusor {
namespace {

constexpr c10::DeviceIndex kDevice = 0;

class Arrival final : public CudaArrival {
 public:
  explicit Arrival(const at::Tensor& tensor)
      : host_(at::empty_like(tensor, tensor.options().device(at::kCPU).pinned_memory(true))) {
    host_.copy_(tensor, /*non_blocking=*/true);
    copied_.record();
  }

  const at::Tensor& Wait() override {
    copied_.synchronize();
    return host_;
  }

 private:
  const at::Tensor host_;
  at::cuda::CUDAEvent copied_;
};

class Graph final : public CudaGraph {
 public:
  explicit Graph(const std::function<void()>& work) {
    try {
      // Threads that pin batches meanwhile must not break the recording.
      graph_.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
      work();
      graph_.capture_end();
    } catch (...) {
      const std::exception_ptr reason = std::current_exception();
      Abandon();
      std::rethrow_exception(reason);
    }
  }

  void Replay() override { graph_.replay(); }

 private:
  // Brings stream and allocator back to everyday use. What fails here was broken before.
  void Abandon() {
    cudaStream_t stream = c10::cuda::getCurrentCUDAStream();
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    if (cudaStreamIsCapturing(stream, &status) == cudaSuccess &&
        status != cudaStreamCaptureStatusNone) {
      cudaGraph_t half = nullptr;
      cudaStreamEndCapture(stream, &half);
      if (half != nullptr) cudaGraphDestroy(half);
    }
    cudaGetLastError();  // forgotten
    try {
      c10::cuda::CUDACachingAllocator::endAllocateToPool(kDevice, graph_.pool());
    } catch (const std::exception&) {
      // capture_end() had done it.
    }
    if (!graph_.ended()) c10::cuda::CUDACachingAllocator::releasePool(kDevice, graph_.pool());
  }

  // Releases its memory by itself once it has ended.
  struct Recording : at::cuda::CUDAGraph {
    bool ended() const { return capture_ended_; }
  };

  Recording graph_;
};

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
    // Not the default stream: that one cannot be recorded, and warming up elsewhere would choose
    // memory and workspaces twice.
    c10::cuda::setCurrentCUDAStream(c10::cuda::getStreamFromPool(/*isHighPriority=*/true, kDevice));
    copies_.emplace(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, kDevice));
  }

  void AllowTf32(bool allow) override {
    at::globalContext().setAllowTF32CuBLAS(allow);
    at::globalContext().setAllowTF32CuDNN(allow);
  }

  void TuneConvolutions(bool tune) override { at::globalContext().setBenchmarkCuDNN(tune); }

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
    at::Tensor pinned = tensor;
    if (!tensor.is_pinned()) {
      pinned = at::empty_like(tensor, tensor.options().pinned_memory(true));
      pinned.copy_(tensor);
    }
    const c10::cuda::CUDAStream computing = c10::cuda::getCurrentCUDAStream();
    at::Tensor brought;
    at::cuda::CUDAEvent copied;
    {
      const c10::cuda::CUDAStreamGuard beside(*copies_);
      // The caching host allocator keeps `pinned` from being used again before the copy is over.
      brought = pinned.to(device, tensor.scalar_type(), /*non_blocking=*/true);
      copied.record();
    }
    copied.block(computing);
    // Its memory belongs to the copying stream, which must not reuse it before it was computed
    // with.
    c10::cuda::CUDACachingAllocator::recordStream(brought.storage().data_ptr(), computing);
    return brought;
  }

  std::unique_ptr<CudaArrival> ToHost(const at::Tensor& tensor) override {
    return std::make_unique<Arrival>(tensor);
  }

  std::unique_ptr<CudaGraph> Capture(const std::function<void()>& work) override {
    c10::cuda::device_synchronize();
    // What warming up held is given back: the recording has memory of its own.
    c10::cuda::CUDACachingAllocator::emptyCache();
    return std::make_unique<Graph>(work);
  }

  void Synchronize() override { c10::cuda::device_synchronize(); }

 private:
  std::optional<c10::cuda::CUDAStream> copies_;
};

}  // namespace
}  // namespace fusor

extern "C" __attribute__((visibility("default"))) fusor::CudaPlugin* FUSOR_CUDA_PLUGIN_ENTRY() {
  static fusor::Plugin plugin;
  return &plugin;
}
