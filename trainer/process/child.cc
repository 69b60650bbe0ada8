#include "trainer/process/child.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace fusor {
namespace {

[[noreturn]] void Quit(const char* what) {
  std::fprintf(stderr, "fusor-train: %s: %s\n", what, std::strerror(errno));
  _exit(kExitNotStarted);
}

// The received numbers may be the very ones that are to be replaced, so all move out of the way
// first.
void PlaceDescriptors(const TrialDescriptors& descriptors) {
  const int sources[] = {descriptors.out.get(), descriptors.err.get(), descriptors.facts.get(),
                         descriptors.commands.get()};
  const int targets[] = {STDOUT_FILENO, STDERR_FILENO, kFactsDescriptor, kCommandsDescriptor};
  int copies[4];
  for (int i = 0; i < 4; ++i) {
    copies[i] = fcntl(sources[i], F_DUPFD_CLOEXEC, 64);
    if (copies[i] < 0) Quit("descriptors");
  }
  for (int i = 0; i < 4; ++i) {
    if (dup2(copies[i], targets[i]) < 0) Quit("descriptors");
  }
  int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0 || dup2(null, STDIN_FILENO) < 0) Quit("/dev/null");
  // Among them the template's socket: a trial must not keep it open.
  close_range(kCommandsDescriptor + 1, ~0U, 0);
}

}  // namespace

void EnterChild(const ChildSetup& setup, const TrialDescriptors& descriptors) {
  PlaceDescriptors(descriptors);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) Quit("parent-death signal");
  // The agent may have died before the signal was asked for.
  if (getppid() != setup.parent) _exit(kExitNotStarted);
  if (setup.data_limit_bytes != 0) {
    rlimit limit{setup.data_limit_bytes, setup.data_limit_bytes};
    if (setrlimit(RLIMIT_DATA, &limit) != 0) Quit("memory limit");
  }
  if (!setup.directory.empty() && chdir(setup.directory.c_str()) != 0) {
    Quit(setup.directory.c_str());
  }
}

Status ApplyPlacement(const Job& job) {
  if (!job.cpus.empty()) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int cpu : job.cpus) {
      if (cpu < 0 || cpu >= CPU_SETSIZE) {
        return InvalidArgument("job: no cpu " + std::to_string(cpu));
      }
      CPU_SET(static_cast<std::size_t>(cpu), &set);
    }
    if (sched_setaffinity(0, sizeof set, &set) != 0) {
      return FailedPrecondition(std::string("cpus of the job: ") + std::strerror(errno));
    }
  }
  if (job.oom_score_adj) {
    // Refused only where a lower value than the present one is asked for; then the present one
    // stays.
    if (std::FILE* file = std::fopen("/proc/self/oom_score_adj", "we")) {
      std::fprintf(file, "%d", *job.oom_score_adj);
      std::fclose(file);
    }
  }
  for (const auto& [key, value] : job.env) setenv(key.c_str(), value.c_str(), 1);
  return Ok();
}

}  // namespace fusor
