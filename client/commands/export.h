#pragma once

// Writes what trials left into a readable tree of folders: their files, logs and metrics.

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "client/commands/session.h"
#include "client/link/api.h"
#include "common/base/status.h"

namespace fusor::client {

// What to write.
struct ExportChoice {
  std::vector<std::string> kinds;  // of artifacts
  bool logs = false;
  bool metrics = false;
};

// "models,logs,csv,metrics" and the other kinds, singular or plural; "all".
Result<ExportChoice> ParseChoice(const std::string& words);

struct ExportedFile {
  std::string path;  // relative to the root
  std::uint64_t bytes = 0;
  std::string sha256;  // of artifacts
  bool there_already = false;
};

class Exporter {
 public:
  Exporter(Session& session, Api& api, std::filesystem::path root)
      : session_(session), api_(api), root_(std::move(root)) {}

  // Everything chosen of one trial. What has no place of its own goes to STAGE/TRIAL-NAME.
  Status ExportTrial(const v1::Trial& trial, const ExportChoice& choice);
  // `folder` is for an artifact without a place of its own.
  Status ExportArtifact(const v1::Artifact& artifact, const std::string& folder);

  const std::vector<ExportedFile>& files() const { return files_; }

 private:
  Status ExportLog(const v1::Trial& trial, const std::string& folder);
  Status ExportMetrics(const v1::Trial& trial, const std::string& folder);
  // A path below the root that no other file of this run has.
  Result<std::filesystem::path> Place(const v1::Artifact& artifact, const std::string& folder);
  void Done(ExportedFile file);
  void Progress(const std::string& path, std::uint64_t bytes, std::uint64_t all);

  Session& session_;
  Api& api_;
  const std::filesystem::path root_;
  std::set<std::filesystem::path> places_;
  std::vector<ExportedFile> files_;
  Time last_progress_{};
};

}  // namespace fusor::client
