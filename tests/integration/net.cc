#include "tests/integration/net.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "common/base/check.h"
#include "tests/harness/wait.h"

namespace fusor::integration {

namespace {

sockaddr_in Loopback(std::uint16_t port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return to;
}

// -1 when nobody listens.
int Connect(const std::string& address) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0);
  const sockaddr_in to =
      Loopback(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return fd;
  ::close(fd);
  return -1;
}

bool SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

RawConnection::RawConnection(const std::string& address) : fd_(Connect(address)) {
  CHECK(fd_ >= 0);
}

RawConnection::~RawConnection() { ::close(fd_); }

bool RawConnection::Send(std::string_view bytes) { return SendAll(fd_, bytes); }

std::string RawConnection::Receive(double seconds) {
  const double until = harness::NowSeconds() + seconds;
  std::string all;
  std::array<char, 4096> buffer;
  for (double left = seconds; left > 0 && !closed_; left = until - harness::NowSeconds()) {
    pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, std::max(1, static_cast<int>(left * 1'000))) <= 0) continue;
    const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
    closed_ = got <= 0;
    if (got > 0) all.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return all;
}

HttpAnswer HttpGet(const std::string& address, const std::string& path, const std::string& token) {
  RawConnection connection(address);
  std::string request = "GET " + path + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n";
  if (!token.empty()) request += "Authorization: Bearer " + token + "\r\n";
  connection.Send(request + "\r\n");
  const std::string all = connection.Receive(10);
  HttpAnswer answer;
  const std::size_t body = all.find("\r\n\r\n");
  if (!all.starts_with("HTTP/1.1 ") || body == std::string::npos) return answer;
  answer.status = std::atoi(all.c_str() + 9);
  answer.body = all.substr(body + 4);
  return answer;
}

Proxy::Proxy(const std::string& target) : target_(target) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at = Loopback(0);
  socklen_t size = sizeof at;
  CHECK(listener_ >= 0 && ::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
  CHECK(::listen(listener_, 64) == 0);
  CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) == 0);
  CHECK(::pipe2(wake_, O_CLOEXEC) == 0);
  address_ = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
  thread_ = std::thread([this] { Run(); });
}

Proxy::~Proxy() {
  ending_ = true;
  Set(Mode::kCut);
  thread_.join();
  CloseAll();
  for (const int fd : {listener_, wake_[0], wake_[1]}) ::close(fd);
}

void Proxy::Set(Mode mode) {
  mode_ = mode;
  const char byte = 0;
  CHECK(::write(wake_[1], &byte, 1) == 1);
}

void Proxy::Accept() {
  const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  const int server = mode_ == Mode::kForward ? Connect(target_) : -1;
  if (server >= 0) {
    pairs_.push_back({client, server});
  } else {
    ::close(client);
  }
}

bool Proxy::Relay(int from, int to) {
  std::array<char, 65536> buffer;
  const ssize_t got = ::recv(from, buffer.data(), buffer.size(), 0);
  return got > 0 && SendAll(to, {buffer.data(), static_cast<std::size_t>(got)});
}

void Proxy::CloseAll() {
  for (const Pair& pair : pairs_) {
    ::close(pair.client);
    ::close(pair.server);
  }
  pairs_.clear();
}

void Proxy::Run() {
  while (!ending_) {
    const Mode mode = mode_;
    if (mode == Mode::kCut) CloseAll();
    std::vector<pollfd> waits = {{.fd = wake_[0], .events = POLLIN, .revents = 0}};
    if (mode != Mode::kHold) {
      waits.push_back({.fd = listener_, .events = POLLIN, .revents = 0});
      for (const Pair& pair : pairs_) {
        waits.push_back({.fd = pair.client, .events = POLLIN, .revents = 0});
        waits.push_back({.fd = pair.server, .events = POLLIN, .revents = 0});
      }
    }
    if (::poll(waits.data(), waits.size(), -1) < 0) continue;
    if (waits[0].revents != 0) {
      std::array<char, 64> bytes;
      CHECK(::read(wake_[0], bytes.data(), bytes.size()) > 0);
      continue;
    }
    std::vector<Pair> open;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      const Pair& pair = pairs_[i];
      const bool lives = (waits[2 + 2 * i].revents == 0 || Relay(pair.client, pair.server)) &&
                         (waits[3 + 2 * i].revents == 0 || Relay(pair.server, pair.client));
      if (lives) {
        open.push_back(pair);
      } else {
        ::close(pair.client);
        ::close(pair.server);
      }
    }
    pairs_ = std::move(open);
    if (waits[1].revents != 0) Accept();
  }
}

}  // namespace fusor::integration
