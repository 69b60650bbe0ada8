#include "worker/process/host.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <sstream>

#include "worker/system/files.h"

namespace fusor::agent {

namespace {

std::optional<std::uint64_t> NumberIn(const std::filesystem::path& path) {
  const std::string text = ReadLine(path);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || text.empty()) return std::nullopt;
  return number;
}

// The number after `key` in a file of "key number" lines.
std::optional<std::uint64_t> NumberAfter(const std::filesystem::path& path, std::string_view key) {
  const Result<std::string> text = ReadWholeFile(path);
  if (!text.ok()) return std::nullopt;
  std::istringstream in(*text);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string name;
    std::uint64_t number = 0;
    if (words >> name >> number && name == key) return number;
  }
  return std::nullopt;
}

// The directories of the agent's control group and of all those above it, for the version 2
// hierarchy (the empty name) or a controller of version 1. Inside a container the path may not
// exist; then only the mount's own directory counts.
std::vector<std::filesystem::path> GroupDirectories(const std::filesystem::path& root,
                                                    const std::string& controller) {
  const Result<std::string> groups = ReadWholeFile(root / "proc/self/cgroup");
  if (!groups.ok()) return {};
  std::istringstream in(*groups);
  std::filesystem::path group;
  for (std::string line; std::getline(in, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::istringstream names(line.substr(first + 1, second - first - 1));
    std::string name;
    bool is_it = controller.empty() && second == first + 1;
    while (std::getline(names, name, ','))
      is_it = is_it || (!controller.empty() && name == controller);
    if (is_it) group = std::filesystem::path(line.substr(second + 1)).relative_path();
  }
  std::filesystem::path mount = root / "sys/fs/cgroup";
  if (!controller.empty()) mount /= controller;
  std::vector<std::filesystem::path> directories;
  for (std::filesystem::path at = group; !at.empty() && at != "."; at = at.parent_path()) {
    directories.push_back(mount / at);
  }
  directories.push_back(mount);
  return directories;
}

void Lower(std::optional<double>& limit, double to) {
  if (!limit || to < *limit) limit = to;
}

std::optional<double> CpuQuota(const std::filesystem::path& root) {
  std::optional<double> quota;
  for (const auto& directory : GroupDirectories(root, "")) {
    std::istringstream in(ReadLine(directory / "cpu.max"));
    double allowed = 0;
    double period = 0;
    if (in >> allowed >> period && allowed > 0 && period > 0) Lower(quota, allowed / period);
  }
  for (const auto& directory : GroupDirectories(root, "cpu")) {
    const std::optional<std::uint64_t> allowed = NumberIn(directory / "cpu.cfs_quota_us");
    const std::optional<std::uint64_t> period = NumberIn(directory / "cpu.cfs_period_us");
    if (allowed && period && *allowed > 0 && *period > 0) {
      Lower(quota, static_cast<double>(*allowed) / static_cast<double>(*period));
    }
  }
  return quota;
}

std::uint64_t MemoryLimit(const std::filesystem::path& root) {
  std::uint64_t limit = NumberAfter(root / "proc/meminfo", "MemTotal:").value_or(0) << 10;
  const auto lower = [&limit](std::optional<std::uint64_t> to) {
    if (to && (limit == 0 || *to < limit)) limit = *to;
  };
  for (const auto& directory : GroupDirectories(root, "")) {
    lower(NumberIn(directory / "memory.max"));
  }
  for (const auto& directory : GroupDirectories(root, "memory")) {
    lower(NumberIn(directory / "memory.limit_in_bytes"));
  }
  return limit;
}

}  // namespace

std::vector<int> ParseCpuList(std::string_view text) {
  std::vector<int> cpus;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    int first = 0;
    const char* const stop = part.data() + part.size();
    auto [at, error] = std::from_chars(part.data(), stop, first);
    if (error != std::errc()) return {};
    int last = first;
    if (at != stop && *at == '-')
      std::tie(at, error) = [&] {
        const auto result = std::from_chars(at + 1, stop, last);
        return std::make_tuple(result.ptr, result.ec);
      }();
    if (error != std::errc() || at != stop || last < first || last > 65'535) return {};
    for (int cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
  }
  return cpus;
}

int HostLimits::CpuCount() const {
  int count = std::max(1, static_cast<int>(cpus.size()));
  if (cpu_quota) count = std::min(count, std::max(1, static_cast<int>(std::ceil(*cpu_quota))));
  return count;
}

HostLimits ReadHostLimits(const std::filesystem::path& root, std::vector<int> affinity) {
  return {
      .cpus = std::move(affinity), .cpu_quota = CpuQuota(root), .memory_bytes = MemoryLimit(root)};
}

std::vector<int> OwnAffinity() {
  cpu_set_t set;
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &set)) cpus.push_back(cpu);
  }
  return cpus;
}

std::vector<int> CpusNear(const std::filesystem::path& root, const std::string& pci_bus_id) {
  if (pci_bus_id.empty()) return {};
  return ParseCpuList(ReadLine(root / "sys/bus/pci/devices" / pci_bus_id / "local_cpulist"));
}

std::uint64_t OutOfMemoryKills(const std::filesystem::path& root) {
  for (const auto& directory : GroupDirectories(root, "")) {
    if (const auto kills = NumberAfter(directory / "memory.events", "oom_kill")) return *kills;
  }
  for (const auto& directory : GroupDirectories(root, "memory")) {
    if (const auto kills = NumberAfter(directory / "memory.oom_control", "oom_kill")) return *kills;
  }
  return NumberAfter(root / "proc/vmstat", "oom_kill").value_or(0);
}

}  // namespace fusor::agent
