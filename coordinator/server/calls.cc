#include "coordinator/server/calls.h"

#include <utility>

namespace fusor {

CallId Calls::NewId() {
  const std::lock_guard lock(mu_);
  return {++last_};
}

void Calls::Add(CallId call, Done done) {
  const std::lock_guard lock(mu_);
  waiting_.emplace(call.value, std::move(done));
}

void Calls::Finish(const Reply& reply) {
  Done done;
  {
    const std::lock_guard lock(mu_);
    const auto found = waiting_.find(reply.call.value);
    if (found == waiting_.end()) return;
    done = std::move(found->second);
    waiting_.erase(found);
  }
  done(reply);
}

void Calls::FailAll(const Status& status) {
  std::unordered_map<std::uint64_t, Done> failed;
  {
    const std::lock_guard lock(mu_);
    failed.swap(waiting_);
  }
  for (const auto& [call, done] : failed) done(Reply{{call}, status, {}, 0});
}

}  // namespace fusor
