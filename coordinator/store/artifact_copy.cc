#include "coordinator/store/artifact_copy.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/store/artifact_store.h"
#include "coordinator/store/database_copy.h"
#include "coordinator/store/file.h"

namespace fusor {

namespace {

constexpr std::string_view kSelectContents =
    "SELECT DISTINCT sha256, bytes FROM artifact ORDER BY sha256";
constexpr std::string_view kDropRows = "DELETE FROM artifact WHERE sha256 = ?";

struct Wanted {
  std::string sha256;
  std::uint64_t bytes = 0;
};

Result<std::vector<Wanted>> SelectContents(const sql::Database& state) {
  sql::Statement select;
  RETURN_IF_ERROR(state.PrepareInto(select, kSelectContents));
  std::vector<Wanted> contents;
  while (select.Next()) {
    contents.push_back({std::string(select.Text(0)), static_cast<std::uint64_t>(select.Int(1))});
  }
  RETURN_IF_ERROR(select.status());
  return contents;
}

bool IsThere(const std::filesystem::path& path, std::uint64_t bytes) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  return !error && size == bytes;
}

// True when the file is at its place in `to`, copied or not.
Result<bool> Provide(const Wanted& wanted, const std::filesystem::path& from,
                     const std::filesystem::path& to, ArtifactCopy& copy) {
  if (!IsSha256(wanted.sha256)) return false;
  const std::filesystem::path part =
      std::filesystem::path("artifacts") / wanted.sha256.substr(0, 2) / wanted.sha256;
  if (IsThere(to / part, wanted.bytes)) return true;
  if (!IsThere(from / part, wanted.bytes)) return false;
  RETURN_IF_ERROR(MakeDirectory((to / part).parent_path()));
  const std::filesystem::path temporary = to / part.parent_path() / (wanted.sha256 + ".part");
  const Result<std::uint64_t> bytes = CopyFile(from / part, temporary);
  if (!bytes.ok()) {
    // Removed between the look and the copy.
    if (bytes.status().code() == Code::kNotFound) return false;
    return bytes.status();
  }
  RETURN_IF_ERROR(RenameDurably(temporary, to / part));
  ++copy.files;
  copy.bytes += *bytes;
  return true;
}

}  // namespace

Result<ArtifactCopy> CopyArtifacts(const sql::Database& state, const std::filesystem::path& from,
                                   const std::filesystem::path& to) {
  const Result<std::vector<Wanted>> contents = SelectContents(state);
  if (!contents.ok()) return contents.status();
  ArtifactCopy copy;
  std::vector<std::string> missing;
  for (const Wanted& wanted : *contents) {
    const Result<bool> is_there = Provide(wanted, from, to, copy);
    if (!is_there.ok()) return is_there.status();
    if (!*is_there) missing.push_back(wanted.sha256);
  }
  sql::Transaction transaction(state);
  RETURN_IF_ERROR(transaction.Begin());
  sql::Statement drop;
  RETURN_IF_ERROR(state.PrepareInto(drop, kDropRows));
  for (const std::string& sha256 : missing) {
    RETURN_IF_ERROR(drop.Run(sha256));
    copy.rows_dropped += static_cast<std::uint64_t>(state.Changes());
  }
  RETURN_IF_ERROR(transaction.Commit());
  return copy;
}

}  // namespace fusor
