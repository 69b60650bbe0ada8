#pragma once

// What a freshly forked trial does to itself before any trainer code runs, and what it does to
// itself once it has read its job.

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "common/base/status.h"
#include "trainer/contract/job.h"
#include "trainer/process/packet.h"

namespace fusor {

inline constexpr int kExitFailed = 1;      // a `failure` fact says why
inline constexpr int kExitBadJob = 2;      // the job could not be read; standard error says why
inline constexpr int kExitAborted = 3;     // `abort`, or the agent is gone
inline constexpr int kExitNotStarted = 4;  // between fork and start

inline constexpr int kFactsDescriptor = 3;
inline constexpr int kCommandsDescriptor = 4;

struct ChildSetup {
  pid_t parent = 0;                    // who must be our parent
  std::uint64_t data_limit_bytes = 0;  // RLIMIT_DATA; 0: none
  std::string directory;               // the attempt's own
};

// Puts descriptors, parent-death signal, limit and directory in place. Ends the process when it
// cannot.
void EnterChild(const ChildSetup& setup, const TrialDescriptors& descriptors);

// Cores, memory priority and environment of the job.
Status ApplyPlacement(const Job& job);

}  // namespace fusor
