#include "coordinator/server/watch_hub.h"

namespace fusor {

WatchHub::~WatchHub() { Stop(); }

void WatchHub::Start() {
  thread_ = std::thread([this] { Run(); });
}

bool WatchHub::Add(const std::shared_ptr<Watcher>& watcher) {
  {
    const std::lock_guard lock(mu_);
    if (stopping_ || watchers_.size() >= options_.watchers_max) return false;
    watchers_.insert(watcher);
    again_.insert(watcher);
    stats_.watchers.store(watchers_.size());
    anybody_.store(true);
  }
  changed_.notify_one();
  return true;
}

void WatchHub::Remove(const std::shared_ptr<Watcher>& watcher) {
  const std::lock_guard lock(mu_);
  watchers_.erase(watcher);
  again_.erase(watcher);
  stats_.watchers.store(watchers_.size());
  anybody_.store(!watchers_.empty());
}

void WatchHub::Again(const std::shared_ptr<Watcher>& watcher) {
  {
    const std::lock_guard lock(mu_);
    if (!watchers_.contains(watcher)) return;
    again_.insert(watcher);
  }
  changed_.notify_one();
}

void WatchHub::OnCommitted(EventId last) {
  if (committed_.exchange(last.value) == last.value || !anybody_.load()) return;
  {
    const std::lock_guard lock(mu_);
    news_ = true;
  }
  changed_.notify_one();
}

void WatchHub::OnStored() {
  ++stored_;
  if (!anybody_.load()) return;
  {
    const std::lock_guard lock(mu_);
    news_ = true;
  }
  changed_.notify_one();
}

WatchHub::Watchers WatchHub::Next(WatchRound& round) {
  std::unique_lock lock(mu_);
  for (;;) {
    if (stopping_) return {};
    const auto now = std::chrono::steady_clock::now();
    const auto all_due =
        last_all_ + (news_ ? std::chrono::milliseconds(options_.pause) : options_.tick);
    const bool all = !watchers_.empty() && now >= all_due;
    if (all || !again_.empty()) {
      // Read before the files are, so that a round promises no more than they hold.
      round = {{committed_.load()}, stored_.load(), now};
      const auto& chosen = all ? watchers_ : again_;
      Watchers next(chosen.begin(), chosen.end());
      again_.clear();
      if (all) {
        last_all_ = now;
        news_ = false;
      }
      return next;
    }
    if (watchers_.empty()) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, all_due);
    }
  }
}

void WatchHub::Run() {
  WatchRound round;
  for (;;) {
    const Watchers next = Next(round);
    if (next.empty()) return;
    for (const std::shared_ptr<Watcher>& watcher : next) watcher->Advance(round);
  }
}

void WatchHub::Stop() {
  std::set<std::shared_ptr<Watcher>> all;
  {
    const std::lock_guard lock(mu_);
    stopping_ = true;
    all = watchers_;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  for (const std::shared_ptr<Watcher>& watcher : all) {
    watcher->End(Unavailable("the coordinator is stopping"));
  }
}

}  // namespace fusor
