#pragma once

// What /proc says of processes.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fusor::agent {

struct ProcStat {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t group = 0;
  char state = '?';
  std::uint64_t start_ticks = 0;  // since the machine started: tells a reused number apart
  std::uint64_t cpu_ticks = 0;    // user and system
};

std::optional<ProcStat> ReadProcStat(pid_t pid);
std::vector<ProcStat> AllProcesses();
std::vector<ProcStat> ProcessesOfGroup(pid_t group);

// Those whose environment, as it was when their program started, holds "NAME=VALUE". Processes of
// other users cannot be looked into and are none.
std::vector<ProcStat> ProcessesMarked(std::string_view entry);

// Names this run of the machine.
const std::string& BootId();

// Anonymous and shared memory of the process: what it takes from others. Not VmRSS, which counts
// the files of the libraries too. Cheap, and counts pages it shares with its template in full.
std::uint64_t ResidentBytes(pid_t pid);
// The same with shared pages counted by their share; dear for a large process.
std::optional<std::uint64_t> ProportionalBytes(pid_t pid);

}  // namespace fusor::agent
