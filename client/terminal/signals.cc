#include "client/terminal/signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <utility>

namespace fusor::client {

namespace {

// SIGUSR2 wakes the thread at the end.
sigset_t Watched() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGUSR2);
  return set;
}

}  // namespace

Signals::Signals() {
  const sigset_t watched = Watched();
  pthread_sigmask(SIG_BLOCK, &watched, nullptr);
  thread_ = std::thread([this] { Run(); });
}

Signals::~Signals() {
  {
    const std::lock_guard lock(mu_);
    stop_ = true;
  }
  pthread_kill(thread_.native_handle(), SIGUSR2);
  thread_.join();
}

void Signals::Run() {
  const sigset_t watched = Watched();
  while (true) {
    int signal = 0;
    if (sigwait(&watched, &signal) != 0) continue;
    const std::lock_guard lock(mu_);
    if (stop_) return;
    if (signal == SIGUSR2) continue;
    if (!handler_) _exit(128 + signal);
    handler_(signal, ++count_);
  }
}

Signals::Guard::Guard(Signals* signals, Handler handler) : signals_(signals), count_before_(0) {
  if (signals_ == nullptr) return;
  const std::lock_guard lock(signals_->mu_);
  before_ = std::exchange(signals_->handler_, std::move(handler));
  count_before_ = std::exchange(signals_->count_, 0);
}

Signals::Guard::~Guard() {
  if (signals_ == nullptr) return;
  const std::lock_guard lock(signals_->mu_);
  signals_->handler_ = std::move(before_);
  signals_->count_ = count_before_;
}

}  // namespace fusor::client
