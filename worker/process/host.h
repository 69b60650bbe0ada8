#pragma once

// What this machine lets the agent use: processors, memory, and which processors are near a device.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fusor::agent {

// "0-3,8" as the kernel writes lists of processors; empty when it makes no sense.
std::vector<int> ParseCpuList(std::string_view text);

struct HostLimits {
  std::vector<int> cpus;            // by cpuset and affinity
  std::optional<double> cpu_quota;  // of the control group: how many of them at a time
  std::uint64_t memory_bytes = 0;   // of the machine, or of the control group if that is less

  // How many processors' worth of work fits; at least 1.
  int CpuCount() const;
  // With a quota below the number of processors any of them may be used, so none is pinned.
  bool CanPin() const { return CpuCount() == static_cast<int>(cpus.size()); }
};

// `root` stands before /proc and /sys: "/" but for tests.
HostLimits ReadHostLimits(const std::filesystem::path& root, std::vector<int> affinity);

// The processors this process may run on.
std::vector<int> OwnAffinity();

// Processors near the device on the PCI bus; empty when unknown.
std::vector<int> CpusNear(const std::filesystem::path& root, const std::string& pci_bus_id);

// How often the kernel has killed for want of memory: of the agent's control group where that is
// counted, else of the whole machine.
std::uint64_t OutOfMemoryKills(const std::filesystem::path& root);

}  // namespace fusor::agent
