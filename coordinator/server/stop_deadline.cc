#include "coordinator/server/stop_deadline.h"

#include <unistd.h>

#include <cstdio>

namespace fusor {

StopDeadline::StopDeadline(std::chrono::milliseconds patience)
    : thread_([this, patience] {
        std::unique_lock lock(mu_);
        if (changed_.wait_for(lock, patience, [this] { return done_; })) return;
        std::fputs("fusord: the orderly stop took too long; ending without it\n", stderr);
        ::_exit(1);
      }) {}

StopDeadline::~StopDeadline() {
  {
    const std::lock_guard lock(mu_);
    done_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

}  // namespace fusor
