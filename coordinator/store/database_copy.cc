#include "coordinator/store/database_copy.h"

#include <fcntl.h>

#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "coordinator/store/file.h"

namespace fusor {

Status CopyDatabase(const DatabaseFormat& format, const std::filesystem::path& from,
                    const std::filesystem::path& to) {
  const Result<sql::Database> source = OpenForReading(format, from);
  if (!source.ok()) {
    if (source.status().code() != Code::kUnavailable) return source.status();
    return Unavailable(from.string() + " is locked: a daemon that runs with --exclusive must be " +
                       "stopped for this");
  }
  {
    const Result<sql::Database> target = sql::Database::Open(to, sql::Access::kCreate);
    if (!target.ok()) return target.status();
    sqlite3_backup* backup =
        sqlite3_backup_init(target->handle(), "main", source->handle(), "main");
    if (backup == nullptr) return sql::ErrorOf(target->handle(), sqlite3_errcode(target->handle()));
    // All pages in one step: with several, each write of the daemon would start the copy over.
    const int step = sqlite3_backup_step(backup, -1);
    const int finish = sqlite3_backup_finish(backup);
    if (step != SQLITE_DONE) return sql::ErrorOf(target->handle(), step);
    if (finish != SQLITE_OK) return sql::ErrorOf(target->handle(), finish);
    // The copied header says WAL; a backup is one file.
    RETURN_IF_ERROR(target->Execute("PRAGMA journal_mode = DELETE"));
  }
  const Result<File> file = File::Open(to, O_RDONLY);
  if (!file.ok()) return file.status();
  return file->Sync();
}

Result<sql::Database> OpenCopy(const std::filesystem::path& file) {
  Result<sql::Database> database = sql::Database::Open(file, sql::Access::kWrite);
  if (!database.ok()) return database.status();
  RETURN_IF_ERROR(database->Execute("PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL"));
  return database;
}

Result<std::uint64_t> CopyFile(const std::filesystem::path& from, const std::filesystem::path& to) {
  const Result<File> source = File::Open(from, O_RDONLY);
  if (!source.ok()) return source.status();
  const Result<File> target = File::Open(to, O_WRONLY | O_CREAT | O_TRUNC);
  if (!target.ok()) return target.status();
  std::vector<char> buffer(limits::kArtifactChunkBytes);
  for (std::uint64_t offset = 0;;) {
    const Result<std::size_t> got = source->ReadAt(offset, buffer);
    if (!got.ok()) return got.status();
    if (*got == 0) {
      RETURN_IF_ERROR(target->Sync());
      return offset;
    }
    RETURN_IF_ERROR(target->WriteAt(offset, {buffer.data(), *got}));
    offset += *got;
  }
}

}  // namespace fusor
