#include "worker/system/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "worker/system/files.h"

namespace fusor::agent {

namespace {

constexpr std::uint64_t kWakeId = 0;
constexpr Duration kLongestWait{60'000};

Time WallClock() {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

}  // namespace

Result<std::unique_ptr<Loop>> Loop::Create() {
  UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return SystemError("epoll_create1");
  UniqueFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return SystemError("eventfd");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWakeId;
  if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0) {
    return SystemError("epoll_ctl");
  }
  return std::unique_ptr<Loop>(new Loop(std::move(epoll), std::move(wake)));
}

Loop::Loop(UniqueFd epoll, UniqueFd wake)
    : steady_start_(std::chrono::steady_clock::now()),
      wall_start_(WallClock()),
      epoll_(std::move(epoll)),
      wake_(std::move(wake)) {}

Time Loop::Now() const {
  return wall_start_ +
         std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - steady_start_);
}

void Loop::Watch(int fd, std::uint32_t events, FdCallback callback) {
  const std::uint64_t id = next_id_++;
  CHECK(
      handlers_.emplace(fd, Handler{id, std::make_shared<FdCallback>(std::move(callback))}).second);
  fds_.emplace(id, fd);
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0);
}

void Loop::Unwatch(int fd) {
  const auto found = handlers_.find(fd);
  if (found == handlers_.end()) return;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  fds_.erase(found->second.id);
  handlers_.erase(found);
}

std::uint64_t Loop::At(Time when, Callback callback) {
  const std::uint64_t id = next_id_++;
  timers_.emplace(when, std::make_pair(id, std::move(callback)));
  return id;
}

void Loop::Cancel(std::uint64_t timer) {
  for (auto at = timers_.begin(); at != timers_.end(); ++at) {
    if (at->second.first != timer) continue;
    timers_.erase(at);
    return;
  }
}

void Loop::Post(Callback callback) {
  {
    const std::lock_guard lock(mu_);
    posted_.push_back(std::move(callback));
    if (posted_.size() > 1) return;  // woken already
  }
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the loop is woken as well.
  [[maybe_unused]] const ssize_t ignored = write(wake_.get(), &one, sizeof one);
}

void Loop::Stop() {
  stopped_ = true;
  Post([] {});
}

void Loop::Run() {
  Time wake_at = Now();
  while (!stopped_.exchange(false)) {
    Round(wake_at);
    wake_at = turn_ ? turn_() : kNever;
  }
}

void Loop::Round(Time wake_at) {
  if (!timers_.empty()) wake_at = std::min(wake_at, timers_.begin()->first);
  const Time now = Now();
  Duration wait = kLongestWait;
  if (wake_at < now + kLongestWait) wait = std::max(wake_at - now, Duration(0));
  std::array<epoll_event, 64> events{};
  const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                               static_cast<int>(wait.count()));
  CHECK(count >= 0 || errno == EINTR);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.u64 == kWakeId) {
      std::uint64_t ignored = 0;
      [[maybe_unused]] const ssize_t got = read(wake_.get(), &ignored, sizeof ignored);
      continue;
    }
    // An earlier callback of this round may have removed it.
    const auto fd = fds_.find(event.data.u64);
    if (fd == fds_.end()) continue;
    const std::shared_ptr<FdCallback> callback = handlers_.at(fd->second).callback;
    (*callback)(event.events);
  }
  RunPosted();
  RunTimers();
}

void Loop::RunPosted() {
  std::vector<Callback> posted;
  {
    const std::lock_guard lock(mu_);
    posted.swap(posted_);
  }
  for (const Callback& callback : posted) callback();
}

void Loop::RunTimers() {
  const Time now = Now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const Callback callback = std::move(timers_.begin()->second.second);
    timers_.erase(timers_.begin());
    callback();
  }
}

}  // namespace fusor::agent
