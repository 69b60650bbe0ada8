#pragma once

// A small HTTP/1.1 server on one thread of its own: GET only, one handler for every path, bounded
// in connections, header size and time. The handler runs on that thread and should answer within a
// second.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/base/limits.h"
#include "common/base/status.h"

namespace fusor {

struct HttpRequest {
  std::string path;  // without the query
  std::string authorization;
};

struct HttpReply {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

class HttpServer {
 public:
  struct Options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;
    std::size_t connections_max = limits::kHttpConnectionsMax;
    // Called on the server's thread with the status of each request that never reached the handler.
    std::function<void(unsigned)> on_refused = [](unsigned) {};
  };
  using Handler = std::function<HttpReply(const HttpRequest&)>;

  // Binds and listens; requests are served after Start().
  static Result<std::unique_ptr<HttpServer>> Listen(const Options& options, Handler handler);
  ~HttpServer();

  std::uint16_t port() const;
  void Start();
  void Stop();

 private:
  class Listener;
  explicit HttpServer(std::unique_ptr<Listener> listener);

  std::unique_ptr<Listener> listener_;
};

}  // namespace fusor
