#pragma once

// Uploads and downloads of single files, in chunks, going on where an earlier try ended, checked by
// their sha256. Blocks, so it is called on the transfer threads: they read and hash files, which
// blocks too, and a synchronous stream there is simpler than the callback interface that the
// session uses.

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>

#include "common/base/session.h"
#include "common/base/status.h"
#include "worker/link/channel.h"

namespace fusor::agent {

// Ends a transfer from another thread.
class Cancellation {
 public:
  void Cancel();
  bool canceled() const { return canceled_; }

  // While it lives, Cancel also cancels the call.
  class Scope {
   public:
    Scope(Cancellation& cancellation, grpc::ClientContext& context);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Cancellation& cancellation_;
  };

 private:
  std::atomic<bool> canceled_{false};
  std::mutex mu_;
  grpc::ClientContext* context_ = nullptr;  // guarded by mu_
};

class ArtifactClient {
 public:
  explicit ArtifactClient(const Channel& channel);
  ~ArtifactClient();

  // Returns what was stored, under `name`.
  Result<StoredFile> Upload(const std::filesystem::path& path, std::string name,
                            Cancellation& cancellation);

  // Into `path`, by way of `path`.part, which a later try goes on with.
  Status Download(const StoredFile& file, const std::filesystem::path& path,
                  Cancellation& cancellation);

 private:
  struct Stub;

  Result<std::uint64_t> OffsetOf(const StoredFile& file, Cancellation& cancellation);
  Status Send(int fd, const StoredFile& file, std::uint64_t offset, Cancellation& cancellation);
  Status Receive(const StoredFile& file, const std::filesystem::path& part,
                 Cancellation& cancellation);

  const Channel& channel_;
  const std::unique_ptr<Stub> stub_;
};

}  // namespace fusor::agent
