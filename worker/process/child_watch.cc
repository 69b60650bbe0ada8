#include "worker/process/child_watch.h"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include <csignal>
#include <utility>

#include "worker/process/proc_stat.h"
#include "worker/system/files.h"

namespace fusor::agent {

Result<std::unique_ptr<ChildWatch>> ChildWatch::Create(Loop& loop) {
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return SystemError("child subreaper");
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  if (pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) return SystemError("signal mask");
  UniqueFd signals(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals) return SystemError("signalfd");
  return std::unique_ptr<ChildWatch>(new ChildWatch(loop, std::move(signals)));
}

ChildWatch::ChildWatch(Loop& loop, UniqueFd signals) : loop_(loop), signals_(std::move(signals)) {
  loop_.Watch(signals_.get(), EPOLLIN, [this](std::uint32_t) {
    signalfd_siginfo ignored;
    while (read(signals_.get(), &ignored, sizeof ignored) == sizeof ignored) {
    }
    Reap();
  });
}

ChildWatch::~ChildWatch() { loop_.Unwatch(signals_.get()); }

void ChildWatch::Watch(pid_t pid, Exited exited) {
  const auto ended = unclaimed_.find(pid);
  if (ended == unclaimed_.end()) {
    watched_[pid] = std::move(exited);
    return;
  }
  loop_.Post([exited = std::move(exited), status = ended->second] { exited(status); });
  unclaimed_.erase(ended);
}

void ChildWatch::ExpectLess() {
  if (--expected_ == 0) unclaimed_.clear();
}

void ChildWatch::Reap() {
  int status = 0;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    const auto found = watched_.find(pid);
    if (found != watched_.end()) {
      const Exited exited = std::move(found->second);
      watched_.erase(found);
      exited(status);
    } else if (expected_ > 0) {
      unclaimed_[pid] = status;
    }
  }
}

void ChildWatch::KillStrays() {
  if (expected_ > 0) return;
  for (const ProcStat& stat : AllProcesses()) {
    if (stat.parent == getpid() && stat.state != 'Z' && !Knows(stat.pid)) kill(stat.pid, SIGKILL);
  }
}

void ResetSignals() {
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGXFSZ}) {
    signal(number, SIG_DFL);
  }
}

}  // namespace fusor::agent
