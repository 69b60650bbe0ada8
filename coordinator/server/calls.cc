#include "coordinator/server/calls.h"

#include <utility>

namespace fusor {

CallId Calls::Add(Done done) {
  const std::lock_guard lock(mu_);
  waiting_.emplace(++last_, std::move(done));
  return {last_};
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

bool Calls::Drop(CallId call) {
  const std::lock_guard lock(mu_);
  return waiting_.erase(call.value) > 0;
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
