#pragma once

// A small HTTP server on 127.0.0.1 that misbehaves as told: connections that break off, ranges that
// it ignores, answers that lie about their length.

#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace fusor::harness {

struct HttpFile {
  std::string body;
  bool ranges = true;
  int status = 200;
  std::string location;  // of a redirect
  // The first request for it breaks off after so many bytes of the body, the second ...
  std::vector<std::size_t> cuts;
  std::optional<std::size_t> announced;  // another Content-Length than the truth
  // Sends so many bytes, then nothing until the server is told to go on.
  std::optional<std::size_t> stops_at;
};

class HttpServer {
 public:
  HttpServer();
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  void Serve(const std::string& path, HttpFile file);
  // "http://127.0.0.1:PORT" + path
  std::string Address(const std::string& path) const;
  // "/a.tar.gz" or "/a.tar.gz bytes=100-", in their order.
  std::vector<std::string> Requests() const;
  // Goes on with what stands still, and lets nothing stand still any more.
  void GoOn();

 private:
  void Accept();
  void Answer(int fd);
  void SendBody(int fd, const HttpFile& file, std::size_t from, std::size_t nth);

  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mu_;
  std::condition_variable changed_;
  std::map<std::string, HttpFile> files_;     // guarded by mu_
  std::map<std::string, std::size_t> asked_;  // guarded by mu_
  std::vector<std::string> requests_;         // guarded by mu_
  std::vector<int> open_;                     // guarded by mu_
  std::vector<std::thread> answering_;        // guarded by mu_
  bool goes_on_ = false;                      // guarded by mu_
  std::thread accepting_;
};

}  // namespace fusor::harness
