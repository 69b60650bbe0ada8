#include "trainer/contract/control.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/text/json.h"

namespace fusor {

Wishes Control::Take() {
  Poll();
  return std::exchange(wishes_, Wishes());
}

void Control::Wait(std::chrono::nanoseconds duration) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point end = Clock::now() + duration;
  for (;;) {
    const auto left = std::max(std::chrono::nanoseconds(end - Clock::now()), {});
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    const timespec timeout{seconds.count(), (left - seconds).count()};
    pollfd fds[2] = {{options_.command_fd, POLLIN, 0}, {options_.signal_fd, POLLIN, 0}};
    const int ready = ppoll(fds, 2, &timeout, nullptr);
    if (ready > 0) {
      if (fds[0].revents != 0) ReadCommands();
      if (fds[1].revents != 0) ReadSignals();
    }
    bool wished = wishes_.checkpoint || wishes_.stop || wishes_.finish_early;
    if (wished || Clock::now() >= end) return;
  }
}

void Control::ReadCommands() {
  char buffer[512];
  ssize_t count = read(options_.command_fd, buffer, sizeof buffer);
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (count <= 0) {
    options_.abort();
    return;
  }
  partial_.append(buffer, static_cast<std::size_t>(count));
  std::size_t start = 0;
  for (std::size_t end; (end = partial_.find('\n', start)) != std::string::npos; start = end + 1) {
    Obey(std::string_view(partial_).substr(start, end - start));
  }
  partial_.erase(0, start);
  if (partial_.size() > kCommandBytesMax) partial_.clear();
}

void Control::ReadSignals() {
  signalfd_siginfo info;
  if (read(options_.signal_fd, &info, sizeof info) == sizeof info) wishes_.stop = true;
}

void Control::Obey(std::string_view line) {
  auto command = ParseJson(line);
  if (!command.ok()) return;
  const Json* field = command->Find("c");
  if (field == nullptr) return;
  const std::string& name = field->text;
  if (name == "checkpoint") wishes_.checkpoint = true;
  if (name == "checkpoint_and_stop") wishes_.stop = true;
  if (name == "finish_early") wishes_.finish_early = true;
  if (name == "abort") options_.abort();
}

}  // namespace fusor
