#include "client/local/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "client/format/text.h"

namespace fusor::client {

namespace {

constexpr int kExecFailed = 127;

// Runs in the child between fork and exec: nothing but system calls.
[[noreturn]] void Become(const char* program, char* const* arguments, int out, int err,
                         pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(kExecFailed);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null = open("/dev/null", O_RDONLY);
  if (null >= 0) dup2(null, STDIN_FILENO);
  if (out >= 0) dup2(out, STDOUT_FILENO);
  if (err >= 0) dup2(err, STDERR_FILENO);
  execv(program, arguments);
  _exit(kExecFailed);
}

int OpenForAppend(const std::filesystem::path& file) {
  return open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

}  // namespace

Result<ChildProcess> ChildProcess::Start(const ChildOptions& options) {
  std::vector<std::string> words = {options.program.filename().string()};
  words.insert(words.end(), options.arguments.begin(), options.arguments.end());
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const std::filesystem::path& target =
      options.stdout_only.empty() ? options.output : options.stdout_only;
  const int out = target.empty() ? -1 : OpenForAppend(target);
  if (!target.empty() && out < 0) {
    return Internal("cannot write " + target.string() + ": " + std::strerror(errno));
  }
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    Become(options.program.c_str(), pointers.data(), out, options.stdout_only.empty() ? out : -1,
           parent);
  }
  if (out >= 0) close(out);
  if (pid < 0) return Internal(std::string("cannot start a process: ") + std::strerror(errno));
  setpgid(pid, pid);
  const auto descriptor = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (descriptor < 0) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return Internal(std::string("cannot watch a process: ") + std::strerror(errno));
  }
  return ChildProcess(pid, descriptor);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      status_(other.status_) {}

ChildProcess::~ChildProcess() {
  if (pid_ > 0 && !has_ended()) {
    SignalGroup(SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (descriptor_ >= 0) close(descriptor_);
}

void ChildProcess::Signal(int signal) const {
  if (pid_ > 0 && !has_ended()) kill(pid_, signal);
}

void ChildProcess::SignalGroup(int signal) const {
  if (pid_ > 0 && !has_ended()) kill(-pid_, signal);
}

bool ChildProcess::WaitFor(Duration duration) {
  if (has_ended()) return true;
  const auto deadline = std::chrono::steady_clock::now() + duration;
  while (true) {
    const auto left =
        std::chrono::duration_cast<Duration>(deadline - std::chrono::steady_clock::now());
    pollfd polled{descriptor_, POLLIN, 0};
    const int ready =
        poll(&polled, 1, static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    int status = 0;
    if (waitpid(pid_, &status, 0) == pid_) status_ = status;
    return has_ended();
  }
}

std::string ChildProcess::EndText() const {
  CHECK(has_ended());
  if (WIFSIGNALED(*status_)) return "killed by signal " + std::to_string(WTERMSIG(*status_));
  const int code = WEXITSTATUS(*status_);
  return code == kExecFailed ? "it could not be started" : "exit status " + std::to_string(code);
}

bool ChildProcess::succeeded() const {
  CHECK(has_ended());
  return WIFEXITED(*status_) && WEXITSTATUS(*status_) == 0;
}

Result<std::filesystem::path> FindProgram(const std::filesystem::path& self,
                                          const std::string& name, const std::string& search_path) {
  const std::filesystem::path beside = self.parent_path() / name;
  if (access(beside.c_str(), X_OK) == 0) return beside;
  for (const std::string& folder : Split(search_path, ':')) {
    const std::filesystem::path candidate = std::filesystem::path(folder) / name;
    if (!folder.empty() && access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return NotFound("the program " + name + " is neither beside " + self.string() + " nor on PATH");
}

}  // namespace fusor::client
