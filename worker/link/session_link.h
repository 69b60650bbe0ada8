#pragma once

// The stream to the coordinator: opens it, again and again with growing pauses, and passes messages
// both ways in their order. Used on the loop's thread; gRPC's threads only post. Callbacks run on
// the loop's thread.

#include <functional>
#include <memory>
#include <vector>

#include "common/base/session.h"
#include "common/base/status.h"
#include "common/base/time.h"
#include "worker/link/channel.h"
#include "worker/system/loop.h"

namespace fusor::agent {

class SessionLink {
 public:
  struct Callbacks {
    std::function<void()> up;                     // a stream was opened: speak first
    std::function<void(const Status& why)> down;  // after everything that was received on it
    std::function<void(std::vector<CoordinatorMessage>)> received;
  };

  SessionLink(Loop& loop, const Channel& channel, Callbacks callbacks);
  // The stream has ended when this returns.
  ~SessionLink();

  void Open();
  // Facts wait behind everything else. Without a stream the messages are lost, as the core expects.
  void Send(std::vector<WorkerMessage> messages);
  // Ends the stream, if there is one, and opens the next at the earliest after `wait`.
  void Close(Duration wait);
  // Says no more and opens no more; what was sent before still goes out, as far as it does by
  // `deadline`.
  void Finish(Duration deadline);

 private:
  class Stream;

  void OnDown(std::uint64_t stream, const Status& why);
  void OpenAfter(Duration wait);

  Loop& loop_;
  const Channel& channel_;
  const Callbacks callbacks_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::shared_ptr<Stream> stream_;  // shared with gRPC's threads until the stream has ended
  std::uint64_t streams_ = 0;       // opened so far: tells a late callback of an old one
  int failures_ = 0;                // in a row, without a message received
  Duration wait_{0};                // asked for by Close
  std::uint64_t timer_ = 0;
  bool finished_ = false;
};

}  // namespace fusor::agent
