#include "worker/spool/syncer.h"

#include <utility>

#include "worker/system/files.h"

namespace fusor::agent {

namespace {

constexpr std::chrono::seconds kRetryAfter{1};

}  // namespace

Syncer::Syncer() : thread_([this] { Work(); }) {}

Syncer::~Syncer() {
  {
    const std::lock_guard lock(mu_);
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Syncer::Sync(std::vector<std::shared_ptr<const UniqueFd>> files, Done done) {
  {
    const std::lock_guard lock(mu_);
    jobs_.push_back({std::move(files), std::move(done)});
  }
  wake_.notify_one();
}

Status Syncer::SyncAll(const Job& job) {
  for (;;) {
    Status status;
    for (const std::shared_ptr<const UniqueFd>& file : job.files) {
      if (fdatasync(file->get()) != 0) status = SystemError("sync of the spool");
    }
    if (status.ok()) return status;
    // A full disk may show itself only here.
    std::unique_lock lock(mu_);
    if (wake_.wait_for(lock, kRetryAfter, [this] { return ending_; })) return status;
  }
}

void Syncer::Work() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mu_);
      wake_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job.done(SyncAll(job));
  }
}

}  // namespace fusor::agent
