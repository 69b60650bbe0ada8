#pragma once

// Looks at GPUs on a thread of its own, because the driver may take its time: samples them once a
// second, and waits until a process has left one.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "worker/process/nvml.h"

namespace fusor::agent {

class GpuMonitor {
 public:
  GpuMonitor(std::unique_ptr<Nvml> nvml, std::vector<std::string> uuids);
  ~GpuMonitor();

  // The newest sample; empty before the first.
  GpuSample Latest(const std::string& uuid);

  // Calls `free`, on the monitor's thread, once the device does not show the process any more, or
  // cannot say what it shows. At once when that is so already.
  void WhenFree(std::string uuid, pid_t pid, std::function<void()> free);

 private:
  struct Wait {
    std::string uuid;
    std::uint32_t pid;
    std::function<void()> free;
  };

  void Work();
  bool IsFree(const Wait& wait);

  const std::unique_ptr<Nvml> nvml_;  // the thread's own
  const std::vector<std::string> uuids_;
  std::mutex mu_;
  std::condition_variable wake_;
  std::map<std::string, GpuSample> latest_;  // guarded by mu_
  std::vector<Wait> new_waits_;              // guarded by mu_
  bool ending_ = false;                      // guarded by mu_
  std::thread thread_;
};

}  // namespace fusor::agent
