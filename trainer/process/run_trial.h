#pragma once

// One trial in this process, from its job to its exit status.

#include <initializer_list>
#include <string>

#include "trainer/contract/control.h"
#include "trainer/contract/job.h"
#include "trainer/contract/reporter.h"
#include "trainer/engine/device.h"
#include "trainer/process/host_info.h"

namespace fusor {

// The device of a job; loads and starts the plug-in where it is a GPU.
Result<Device> OpenDevice(const Job& job);

// Trains and reports, down to the last report. Exceptions do not leave it.
Outcome RunTrial(const Job& job, const HostInfo& host, Reporter& reporter, Control& control);

// A trial started by an agent: descriptors 3 and 4 are facts and commands. Returns the exit status.
int RunJob(const std::string& job_path, const HostInfo& host);

// A descriptor that becomes readable when one of the signals comes; they are blocked from now on.
int WatchSignals(std::initializer_list<int> signals);

}  // namespace fusor
