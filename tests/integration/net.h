#pragma once

// The network as a test wants it: plain sockets, HTTP by hand, and a cable that can be cut.

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace fusor::integration {

// A TCP connection to "127.0.0.1:PORT"; what is sent is the test's choice.
class RawConnection {
 public:
  explicit RawConnection(const std::string& address);
  ~RawConnection();
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  // False when the other side has closed.
  bool Send(std::string_view bytes);
  // Everything until the other side closes, or `seconds` are over.
  std::string Receive(double seconds);
  // The other side has closed; known after Receive.
  bool closed() const { return closed_; }

 private:
  int fd_ = -1;
  bool closed_ = false;
};

struct HttpAnswer {
  int status = 0;  // 0: no answer
  std::string body;
};
// GET with this token; empty = without one.
HttpAnswer HttpGet(const std::string& address, const std::string& path,
                   const std::string& token = "");

// A TCP relay on a port of its own.
class Proxy {
 public:
  enum class Mode {
    kForward,
    kHold,  // nothing passes, nothing ends: a pulled cable
    kCut,   // connections end, new ones too
  };

  explicit Proxy(const std::string& target);
  ~Proxy();
  const std::string& address() const { return address_; }
  void Set(Mode mode);

 private:
  struct Pair {
    int client = -1;
    int server = -1;
  };
  void Run();
  void Accept();
  // False when either side has ended.
  static bool Relay(int from, int to);
  void CloseAll();

  const std::string target_;
  std::string address_;
  int listener_ = -1;
  int wake_[2] = {-1, -1};
  std::atomic<Mode> mode_{Mode::kForward};
  std::atomic<bool> ending_{false};
  std::vector<Pair> pairs_;  // the thread's
  std::thread thread_;
};

}  // namespace fusor::integration
