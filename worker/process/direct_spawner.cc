#include "worker/process/direct_spawner.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "worker/process/child_watch.h"
#include "worker/system/files.h"

namespace fusor::agent {

namespace {

// Everything the child needs, made before the fork: between fork and exec it may allocate nothing.
struct Prepared {
  const char* program;
  const char* directory;
  std::vector<char*> argv;
  std::vector<char*> envp;
  int ends[4];  // to become 1, 2, 3, 4
  cpu_set_t cpus;
  bool pinned;
  rlim_t data_limit;
  pid_t agent;
  int report;  // errno goes here when exec fails
};

[[noreturn]] void GiveUp(int report) {
  const int error = errno;
  [[maybe_unused]] const ssize_t ignored = write(report, &error, sizeof error);
  _exit(127);
}

[[noreturn]] void BeTrial(const Prepared& prepared) {
  setpgid(0, 0);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != prepared.agent) GiveUp(prepared.report);
  ResetSignals();
  const int report = fcntl(prepared.report, F_DUPFD_CLOEXEC, 64);
  int copies[4];
  for (int i = 0; i < 4; ++i) copies[i] = fcntl(prepared.ends[i], F_DUPFD_CLOEXEC, 64);
  for (int i = 0; i < 4; ++i) {
    if (copies[i] < 0 || dup2(copies[i], i + 1) < 0) GiveUp(report);
  }
  const int null = open("/dev/null", O_RDONLY);
  if (null < 0 || dup2(null, 0) < 0) GiveUp(report);
  close_range(5, ~0U, CLOSE_RANGE_CLOEXEC);
  if (prepared.pinned && sched_setaffinity(0, sizeof prepared.cpus, &prepared.cpus) != 0) {
    GiveUp(report);
  }
  if (prepared.data_limit != 0) {
    const rlimit limit{prepared.data_limit, prepared.data_limit};
    if (setrlimit(RLIMIT_DATA, &limit) != 0) GiveUp(report);
  }
  // May be refused; then the system chooses its victims without our advice.
  const int adjust = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (adjust >= 0) {
    [[maybe_unused]] const ssize_t ignored = write(adjust, "1000", 4);
    close(adjust);
  }
  if (chdir(prepared.directory) != 0) GiveUp(report);
  execve(prepared.program, prepared.argv.data(), prepared.envp.data());
  GiveUp(report);
}

std::vector<std::string> Environment(const std::map<std::string, std::string>& own) {
  std::vector<std::string> all;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string entry = *at;
    if (!own.contains(entry.substr(0, entry.find('=')))) all.push_back(entry);
  }
  for (const auto& [key, value] : own) all.push_back(key + "=" + value);
  return all;
}

}  // namespace

void DirectSpawner::Spawn(SpawnRequest request, Answer answer) {
  request.env["FUSOR_JOB"] = request.job_file;
  std::vector<std::string> environment = Environment(request.env);
  std::string program = program_;
  const std::string directory = request.job_file.parent_path();
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) return answer(SystemError("pipe"));
  const UniqueFd report_in(report[0]);
  UniqueFd report_out(report[1]);

  Prepared prepared{.program = program.c_str(),
                    .directory = directory.c_str(),
                    .argv = {program.data(), nullptr},
                    .ends = {request.ends.out.get(), request.ends.err.get(),
                             request.ends.facts.get(), request.ends.commands.get()},
                    .pinned = !request.cpus.empty(),
                    .data_limit = request.data_limit_bytes,
                    .agent = getpid(),
                    .report = report_out.get()};
  for (std::string& entry : environment) prepared.envp.push_back(entry.data());
  prepared.envp.push_back(nullptr);
  CPU_ZERO(&prepared.cpus);
  for (const int cpu : request.cpus) CPU_SET(static_cast<std::size_t>(cpu), &prepared.cpus);

  const pid_t pid = fork();
  if (pid < 0) return answer(SystemError("fork"));
  if (pid == 0) BeTrial(prepared);
  setpgid(pid, pid);
  report_out.Reset();
  int error = 0;
  if (read(report_in.get(), &error, sizeof error) == sizeof error) {
    // Reaped with all other children.
    return answer(Unavailable("start " + program + ": " + std::strerror(error)));
  }
  answer(pid);
}

}  // namespace fusor::agent
