#pragma once

// Reaps the agent's children, which by the subreaper rule include every orphan of its trials. Must
// be made before the first thread: it blocks SIGCHLD, which threads inherit.

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>

#include "common/base/status.h"
#include "worker/system/loop.h"

namespace fusor::agent {

class ChildWatch {
 public:
  using Exited = std::function<void(int status)>;  // of waitpid

  static Result<std::unique_ptr<ChildWatch>> Create(Loop& loop);
  ~ChildWatch();

  // Calls once when the child has ended, also when it already has: then soon, not at once.
  void Watch(pid_t pid, Exited exited);
  bool Knows(pid_t pid) const { return watched_.contains(pid); }

  // A process may be reaped before anybody watches it: its status is kept while a number is
  // expected.
  void ExpectMore() { ++expected_; }
  void ExpectLess();

  // Kills every child that nobody watches, unless numbers are expected still: what a trial left
  // behind outside its group.
  void KillStrays();

 private:
  ChildWatch(Loop& loop, UniqueFd signals);
  void Reap();

  Loop& loop_;
  const UniqueFd signals_;
  std::map<pid_t, Exited> watched_;
  std::map<pid_t, int> unclaimed_;
  int expected_ = 0;
};

// In a child between fork and exec: the signals as a program expects to find them.
void ResetSignals();

}  // namespace fusor::agent
