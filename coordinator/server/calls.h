#pragma once

// Clients' calls that wait for the core's reply. Any thread.

#include <functional>
#include <mutex>
#include <unordered_map>

#include "common/base/id.h"
#include "common/base/status.h"
#include "coordinator/core/effect.h"

namespace fusor {

class Calls {
 public:
  // Called exactly once, with the core's reply or with the reason why there will be none.
  using Done = std::function<void(const Reply&)>;

  CallId NewId();
  // From here on anybody may answer the call, so nothing else may use its request any more.
  void Add(CallId call, Done done);
  void Finish(const Reply& reply);
  // What waits now gets `status`; a reply that comes later finds nobody.
  void FailAll(const Status& status);

 private:
  std::mutex mu_;
  std::uint64_t last_ = 0;  // guarded by mu_, as below
  std::unordered_map<std::uint64_t, Done> waiting_;
};

}  // namespace fusor
