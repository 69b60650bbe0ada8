#include "worker/core/uploads.h"

#include <algorithm>
#include <utility>

#include "common/base/limits.h"

namespace fusor::agent {

std::optional<StagedId> Uploads::Add(Upload upload) {
  if (upload.checkpoint) {
    std::optional<StagedId> replaced;
    if (checkpoint_) replaced = checkpoint_->staged;
    checkpoint_ = std::move(upload);
    return replaced;
  }
  for (Upload& waiting : artifacts_) {
    if (waiting.name != upload.name) continue;
    const StagedId replaced = waiting.staged;
    waiting = std::move(upload);
    return replaced;
  }
  artifacts_.push_back(std::move(upload));
  return std::nullopt;
}

std::optional<StagedId> Uploads::StartNext(Time now) {
  if (NextStart() > now) return std::nullopt;
  if (checkpoint_) {
    active_ = std::exchange(checkpoint_, std::nullopt);
  } else {
    active_ = std::move(artifacts_.front());
    artifacts_.pop_front();
  }
  return active_->staged;
}

std::optional<Upload> Uploads::Finish(StagedId staged) {
  if (!active_ || active_->staged != staged) return std::nullopt;
  failures_ = 0;
  return std::exchange(active_, std::nullopt);
}

std::optional<StagedId> Uploads::Postpone(StagedId staged, Time now) {
  if (!active_ || active_->staged != staged) return std::nullopt;
  const Duration wait = limits::kBackoffMin * (1 << std::min(failures_, 5));
  ++failures_;
  retry_at_ = now + wait;
  Upload upload = *std::exchange(active_, std::nullopt);
  if (!upload.checkpoint) {
    artifacts_.push_front(std::move(upload));
    return std::nullopt;
  }
  if (checkpoint_) return upload.staged;
  checkpoint_ = std::move(upload);
  return std::nullopt;
}

std::vector<StagedId> Uploads::Clear() {
  std::vector<StagedId> given_up;
  if (active_) given_up.push_back(active_->staged);
  if (checkpoint_) given_up.push_back(checkpoint_->staged);
  for (const Upload& upload : artifacts_) given_up.push_back(upload.staged);
  active_.reset();
  checkpoint_.reset();
  artifacts_.clear();
  return given_up;
}

Time Uploads::NextStart() const {
  if (active_ || (!checkpoint_ && artifacts_.empty())) return kNever;
  return retry_at_;
}

}  // namespace fusor::agent
