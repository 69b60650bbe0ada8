#pragma once

// The files that artifacts are: DIR/artifacts/<aa>/<sha256>, named by their content. An upload
// grows as DIR/uploads/<sha256>-<bytes>, may stop and go on at any time, and moves over when it is
// whole, verified and on the disk. Rows that name files are in state.db: a row goes first, then its
// file.
//
// Thread rule: any thread. Lifetime rule: the store outlives its Uploads.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "coordinator/store/file.h"
#include "coordinator/store/state_reader.h"

namespace fusor {

class ArtifactStore;

// One call that sends a file's bytes. Ends without harm at any point: what was sent stays for the
// next.
class Upload {
 public:
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;
  ~Upload();

  // The next byte to send.
  std::uint64_t offset() const;
  // kFailedPrecondition when `offset` is not the next byte, kInvalidArgument when the chunk goes
  // beyond the size, kResourceExhausted when the disk is full.
  Status Append(std::uint64_t offset, std::string_view chunk);
  // Verifies, syncs and moves the file; nothing can be done with the Upload afterwards. kDataLoss
  // when the content is not what its name says: the next one starts over.
  Status Finish();

 private:
  friend class ArtifactStore;
  struct State;
  explicit Upload(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

class ArtifactStore {
 public:
  // Creates the two folders where missing.
  static Result<std::unique_ptr<ArtifactStore>> Open(const std::filesystem::path& directory);

  struct UploadStatus {
    std::uint64_t offset = 0;
    bool is_complete = false;
  };
  // How much of the file is here. A file that is complete is not collected for the next hour, so
  // that the row that names it can still come.
  Result<UploadStatus> Find(const std::string& sha256, std::uint64_t bytes);

  // Starts or goes on. kUnavailable while another call uploads the same content; kAlreadyExists
  // when there is nothing to send.
  Result<std::unique_ptr<Upload>> Begin(const std::string& sha256, std::uint64_t bytes);

  struct Content {
    File file;
    std::uint64_t bytes = 0;
  };
  // kNotFound when it is not here.
  Result<Content> Read(const std::string& sha256) const;

  // Removes the files whose last row is gone, some at a time. Gives back the contents that are
  // dealt with: pass them to StateStore::ForgetGarbage.
  Result<std::vector<std::string>> Collect(StateReader& reader);

  // Removes what no row names and no upload has touched for seven days: leftovers of lost uploads.
  Result<std::uint64_t> RemoveOrphans(StateReader& reader);

  std::filesystem::path PathOf(const std::string& sha256) const;

 private:
  friend class Upload;
  using Clock = std::chrono::system_clock;  // compared with file times

  explicit ArtifactStore(const std::filesystem::path& directory);

  std::filesystem::path PartOf(const std::string& sha256, std::uint64_t bytes) const;
  Result<bool> IsComplete(const std::string& sha256, std::uint64_t bytes) const;
  void Claim(const std::string& sha256);
  bool IsClaimed(const std::string& sha256) const;  // with mutex_ held
  void Release(const std::string& sha256);

  const std::filesystem::path artifacts_;
  const std::filesystem::path uploads_;
  const Clock::time_point opened_;

  mutable std::mutex mutex_;
  std::set<std::string> uploading_;                  // guarded by mutex_
  std::map<std::string, Clock::time_point> claims_;  // guarded by mutex_
};

// Is it 64 digits of lower-case hex? Names come from peers, and become paths.
bool IsSha256(std::string_view text);

}  // namespace fusor
