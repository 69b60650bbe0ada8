#include "tests/harness/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "common/base/check.h"

namespace fusor::harness {

namespace {

std::string ReadHead(int fd) {
  std::string head;
  char c = 0;
  while (!head.ends_with("\r\n\r\n") && recv(fd, &c, 1, 0) == 1) head += c;
  return head;
}

bool SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

// Of "GET /a HTTP/1.1" and its headers: the path and the value of Range.
std::pair<std::string, std::string> Parse(const std::string& head) {
  const std::size_t begin = head.find(' ') + 1;
  std::string path = head.substr(begin, head.find(' ', begin) - begin);
  const std::size_t range = head.find("Range: ");
  if (range == std::string::npos) return {path, ""};
  return {path, head.substr(range + 7, head.find("\r\n", range) - range - 7)};
}

}  // namespace

HttpServer::HttpServer() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  CHECK(bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
  CHECK(listen(listener_, 16) == 0);
  CHECK(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  accepting_ = std::thread([this] { Accept(); });
}

HttpServer::~HttpServer() {
  GoOn();
  shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  std::vector<std::thread> answering;
  {
    const std::lock_guard lock(mu_);
    for (const int fd : open_) shutdown(fd, SHUT_RDWR);
    answering.swap(answering_);
  }
  for (std::thread& thread : answering) thread.join();
  close(listener_);
}

void HttpServer::Serve(const std::string& path, HttpFile file) {
  const std::lock_guard lock(mu_);
  files_[path] = std::move(file);
  asked_[path] = 0;
}

std::string HttpServer::Address(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + path;
}

std::vector<std::string> HttpServer::Requests() const {
  const std::lock_guard lock(mu_);
  return requests_;
}

void HttpServer::GoOn() {
  const std::lock_guard lock(mu_);
  goes_on_ = true;
  changed_.notify_all();
}

void HttpServer::Accept() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const std::lock_guard lock(mu_);
    open_.push_back(fd);
    answering_.emplace_back([this, fd] {
      Answer(fd);
      const std::lock_guard closing(mu_);
      std::erase(open_, fd);
      close(fd);
    });
  }
}

void HttpServer::Answer(int fd) {
  const std::string head = ReadHead(fd);
  if (head.empty()) return;
  const auto [path, range] = Parse(head);
  HttpFile file;
  std::size_t nth = 0;
  {
    const std::lock_guard lock(mu_);
    requests_.push_back(path + (range.empty() ? "" : " " + range));
    const auto found = files_.find(path);
    if (found == files_.end()) {
      file.status = 404;
    } else {
      file = found->second;
      nth = asked_[path]++;
    }
  }
  if (file.status != 200) {
    const std::string location = file.location.empty() ? "" : "Location: " + file.location + "\r\n";
    SendAll(fd, "HTTP/1.1 " + std::to_string(file.status) + " As told\r\n" + location +
                    "Content-Length: 0\r\nConnection: close\r\n\r\n");
    return;
  }
  std::size_t from = 0;
  if (file.ranges && range.starts_with("bytes=")) {
    from = std::strtoull(range.c_str() + 6, nullptr, 10);
    if (from >= file.body.size()) {
      SendAll(fd, "HTTP/1.1 416 No such part\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      return;
    }
  }
  SendBody(fd, file, from, nth);
}

void HttpServer::SendBody(int fd, const HttpFile& file, std::size_t from, std::size_t nth) {
  const std::string size = std::to_string(file.body.size());
  std::string head = "HTTP/1.1 200 OK\r\n";
  if (from > 0) {
    head = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " + std::to_string(from) + "-" +
           std::to_string(file.body.size() - 1) + "/" + size + "\r\n";
  }
  head += "Content-Length: " + std::to_string(file.announced.value_or(file.body.size() - from)) +
          "\r\nConnection: close\r\n\r\n";
  std::string_view body = std::string_view(file.body).substr(from);
  if (nth < file.cuts.size()) body = body.substr(0, file.cuts[nth]);
  if (!SendAll(fd, head)) return;
  if (file.stops_at) {
    const std::string_view first = body.substr(0, *file.stops_at);
    if (!SendAll(fd, first)) return;
    body.remove_prefix(first.size());
    std::unique_lock lock(mu_);
    changed_.wait(lock, [this] { return goes_on_; });
  }
  SendAll(fd, body);
}

}  // namespace fusor::harness
