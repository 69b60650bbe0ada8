#pragma once

// What /proc says about this process.

#include <cstdint>
#include <string>

namespace fusor {

struct ProcStatus {
  std::uint64_t data_bytes = 0;       // VmData: what RLIMIT_DATA limits
  std::uint64_t anonymous_bytes = 0;  // RssAnon
  std::uint64_t peak_bytes = 0;       // VmHWM: the largest resident size so far
};

ProcStatus ReadProcStatus();
int ThreadCount();
std::string ThreadNames();  // "fusor-train, cuda-EvtHandlr"

}  // namespace fusor
