#include "worker/process/gpu_monitor.h"

#include <algorithm>
#include <utility>

namespace fusor::agent {

namespace {

constexpr std::chrono::milliseconds kSampleEvery{1'000};
constexpr std::chrono::milliseconds kLookAgainAfter{50};

}  // namespace

GpuMonitor::GpuMonitor(std::unique_ptr<Nvml> nvml, std::vector<std::string> uuids)
    : nvml_(std::move(nvml)), uuids_(std::move(uuids)), thread_([this] { Work(); }) {}

GpuMonitor::~GpuMonitor() {
  {
    const std::lock_guard lock(mu_);
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

GpuSample GpuMonitor::Latest(const std::string& uuid) {
  const std::lock_guard lock(mu_);
  const auto found = latest_.find(uuid);
  return found == latest_.end() ? GpuSample() : found->second;
}

void GpuMonitor::WhenFree(std::string uuid, pid_t pid, std::function<void()> free) {
  {
    const std::lock_guard lock(mu_);
    new_waits_.push_back({std::move(uuid), static_cast<std::uint32_t>(pid), std::move(free)});
  }
  wake_.notify_one();
}

bool GpuMonitor::IsFree(const Wait& wait) {
  const std::optional<std::vector<std::uint32_t>> pids = nvml_->ProcessesOn(wait.uuid);
  return !pids || std::find(pids->begin(), pids->end(), wait.pid) == pids->end();
}

void GpuMonitor::Work() {
  std::vector<Wait> waits;
  auto sample_at = std::chrono::steady_clock::now();
  for (;;) {
    if (std::chrono::steady_clock::now() >= sample_at) {
      sample_at = std::chrono::steady_clock::now() + kSampleEvery;
      for (const std::string& uuid : uuids_) {
        const GpuSample sample = nvml_->Sample(uuid);
        const std::lock_guard lock(mu_);
        latest_[uuid] = sample;
      }
    }
    std::erase_if(waits, [this](const Wait& wait) {
      const bool is_free = IsFree(wait);
      if (is_free) wait.free();
      return is_free;
    });
    const auto look_at = std::chrono::steady_clock::now() + kLookAgainAfter;
    std::unique_lock lock(mu_);
    wake_.wait_until(lock, waits.empty() ? sample_at : std::min(sample_at, look_at),
                     [this] { return ending_ || !new_waits_.empty(); });
    if (ending_) return;
    for (Wait& wait : std::exchange(new_waits_, {})) waits.push_back(std::move(wait));
  }
}

}  // namespace fusor::agent
