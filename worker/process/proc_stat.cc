#include "worker/process/proc_stat.h"

#include <charconv>
#include <filesystem>
#include <sstream>

#include "worker/system/files.h"

namespace fusor::agent {

namespace {

// Of lines like "RssAnon:     1234 kB".
std::optional<std::uint64_t> KilobytesOf(const std::string& text, const std::string& key) {
  const std::size_t at = text.find("\n" + key + ":");
  if (at == std::string::npos) return std::nullopt;
  return std::stoull("0" + text.substr(text.find_first_of("0123456789\n", at + key.size() + 2)));
}

}  // namespace

std::optional<ProcStat> ReadProcStat(pid_t pid) {
  const std::string text = ReadLine("/proc/" + std::to_string(pid) + "/stat");
  // The name in parentheses may hold anything; the fields begin after the last one.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream in(text.substr(name_end + 1));
  ProcStat stat;
  stat.pid = pid;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  std::string skipped;
  in >> stat.state >> stat.parent >> stat.group;
  for (int field = 6; field < 14; ++field) in >> skipped;
  in >> user >> system;
  for (int field = 16; field < 22; ++field) in >> skipped;
  in >> stat.start_ticks;
  if (!in) return std::nullopt;
  stat.cpu_ticks = user + system;
  return stat;
}

std::vector<ProcStat> AllProcesses() {
  std::vector<ProcStat> all;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (bad != std::errc() || end != name.data() + name.size()) continue;
    if (const std::optional<ProcStat> stat = ReadProcStat(pid)) all.push_back(*stat);
  }
  return all;
}

std::vector<ProcStat> ProcessesOfGroup(pid_t group) {
  std::vector<ProcStat> members;
  for (const ProcStat& stat : AllProcesses()) {
    if (stat.group == group) members.push_back(stat);
  }
  return members;
}

std::vector<ProcStat> ProcessesMarked(std::string_view entry) {
  std::string wanted(1, '\0');
  wanted += entry;
  wanted += '\0';
  std::vector<ProcStat> marked;
  for (const ProcStat& stat : AllProcesses()) {
    const Result<std::string> text =
        ReadWholeFile("/proc/" + std::to_string(stat.pid) + "/environ");
    if (text.ok() && ('\0' + *text).find(wanted) != std::string::npos) marked.push_back(stat);
  }
  return marked;
}

const std::string& BootId() {
  static const std::string id = ReadLine("/proc/sys/kernel/random/boot_id");
  return id;
}

std::uint64_t ResidentBytes(pid_t pid) {
  const Result<std::string> status = ReadWholeFile("/proc/" + std::to_string(pid) + "/status");
  if (!status.ok()) return 0;
  return (KilobytesOf(*status, "RssAnon").value_or(0) +
          KilobytesOf(*status, "RssShmem").value_or(0))
         << 10;
}

std::optional<std::uint64_t> ProportionalBytes(pid_t pid) {
  const Result<std::string> text = ReadWholeFile("/proc/" + std::to_string(pid) + "/smaps_rollup");
  if (!text.ok()) return std::nullopt;
  const std::optional<std::uint64_t> anonymous = KilobytesOf(*text, "Pss_Anon");
  const std::optional<std::uint64_t> shared = KilobytesOf(*text, "Pss_Shmem");
  if (!anonymous || !shared) return std::nullopt;
  return (*anonymous + *shared) << 10;
}

}  // namespace fusor::agent
