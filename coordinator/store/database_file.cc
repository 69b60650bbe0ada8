#include "coordinator/store/database_file.h"

#include <sys/vfs.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "coordinator/store/file.h"

namespace fusor {

namespace {

// Larger pages than SQLite's 4096: rows of some hundred bytes come in runs, and each page of the
// WAL costs two system calls. Measured by store_bench.
constexpr char kBeforeSchema[] = "PRAGMA page_size = 8192";

// Commits wait for the disk; a checkpoint happens when the store says so (checkpointer.h). What is
// temporary stays in memory, so that a full disk has one face only.
constexpr char kWriterSettings[] =
    "PRAGMA synchronous = FULL;"
    "PRAGMA wal_autocheckpoint = 0;"
    "PRAGMA journal_size_limit = 67108864;"
    "PRAGMA cache_size = -65536;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA foreign_keys = OFF;";

constexpr char kReaderSettings[] =
    "PRAGMA query_only = ON;"
    "PRAGMA cache_size = -16384;"
    "PRAGMA temp_store = MEMORY;";

// How long a statement waits for a foreign lock before it says kUnavailable.
constexpr char kBusyTimeout[] = "PRAGMA busy_timeout = 250";

Status RefuseNetworkFileSystem(const std::filesystem::path& directory) {
  struct statfs info {};
  if (::statfs(directory.c_str(), &info) != 0) return FileError("examine", directory, errno);
  const auto name = NetworkFileSystem(static_cast<std::uint64_t>(info.f_type));
  if (!name) return Ok();
  return FailedPrecondition("the data directory " + directory.string() + " lies on " +
                            std::string(*name) +
                            ", where the databases' shared memory does not work: choose a --data "
                            "directory on a local disk, or start with --exclusive");
}

// The first look into the file: is it ours, new, foreign, too new or damaged?
Result<std::int64_t> VersionOf(const DatabaseFormat& format, const sql::Database& database) {
  const std::string path = database.file().string();
  const Result<std::int64_t> tables = database.QueryInt("SELECT count(*) FROM sqlite_schema");
  if (!tables.ok()) {
    return WithRemedy(tables.status(), database);
  }
  const Result<std::int64_t> id = database.QueryInt("PRAGMA application_id");
  if (!id.ok()) return id.status();
  const Result<std::int64_t> version = database.QueryInt("PRAGMA user_version");
  if (!version.ok()) return version.status();
  if (*tables == 0 && *id == 0 && *version == 0) return std::int64_t{0};
  if (*id != format.application_id) {
    return FailedPrecondition(path + " is a database of another program: choose another --data " +
                              "directory, or move the file away");
  }
  const auto known = static_cast<std::int64_t>(format.migrations.size());
  if (*version > known) {
    return FailedPrecondition(path + " has schema version " + std::to_string(*version) +
                              ", this program knows up to " + std::to_string(known) +
                              ": start the newer fusord, or restore an older backup");
  }
  return *version;
}

Status Migrate(const DatabaseFormat& format, const sql::Database& database, std::int64_t version) {
  for (auto next = static_cast<std::size_t>(version); next < format.migrations.size(); ++next) {
    sql::Transaction transaction(database);
    RETURN_IF_ERROR(transaction.Begin());
    RETURN_IF_ERROR(database.Execute(std::string(format.migrations[next])));
    RETURN_IF_ERROR(
        database.Execute("PRAGMA application_id = " + std::to_string(format.application_id) +
                         "; PRAGMA user_version = " + std::to_string(next + 1)));
    RETURN_IF_ERROR(transaction.Commit());
  }
  return Ok();
}

Status EnterWal(const sql::Database& database) {
  const Result<std::string> mode = database.QueryText("PRAGMA journal_mode = WAL");
  if (!mode.ok()) return mode.status();
  if (*mode == "wal") return Ok();
  return FailedPrecondition(database.file().string() +
                            ": the file system offers no write-ahead log: start with --exclusive");
}

}  // namespace

Result<sql::Database> OpenForWriting(const DatabaseFormat& format, const DatabasePlace& place) {
  RETURN_IF_ERROR(MakeDirectory(place.directory));
  if (!place.exclusive) RETURN_IF_ERROR(RefuseNetworkFileSystem(place.directory));
  Result<sql::Database> database =
      sql::Database::Open(place.directory / format.name, sql::Access::kCreate);
  if (!database.ok()) return database.status();
  RETURN_IF_ERROR(database->Execute(kBusyTimeout));
  if (place.exclusive) RETURN_IF_ERROR(database->Execute("PRAGMA locking_mode = EXCLUSIVE"));
  const Result<std::int64_t> version = VersionOf(format, *database);
  if (!version.ok()) return version.status();
  if (*version == 0) RETURN_IF_ERROR(database->Execute(kBeforeSchema));
  RETURN_IF_ERROR(WithRemedy(EnterWal(*database), *database));
  RETURN_IF_ERROR(database->Execute(kWriterSettings));
  RETURN_IF_ERROR(WithRemedy(Migrate(format, *database, *version), *database));
  return database;
}

Result<sql::Database> OpenForReading(const DatabaseFormat& format,
                                     const std::filesystem::path& file) {
  Result<sql::Database> database = sql::Database::Open(file, sql::Access::kRead);
  if (!database.ok()) return database.status();
  RETURN_IF_ERROR(database->Execute(kBusyTimeout));
  const Result<std::int64_t> version = VersionOf(format, *database);
  if (!version.ok()) return version.status();
  if (*version != static_cast<std::int64_t>(format.migrations.size())) {
    return FailedPrecondition(file.string() + " has schema version " + std::to_string(*version) +
                              ", this program reads " + std::to_string(format.migrations.size()) +
                              ": start fusord on it once, it migrates the file");
  }
  RETURN_IF_ERROR(database->Execute(kReaderSettings));
  return database;
}

Status CheckDatabase(const sql::Database& database, CheckDepth depth) {
  const Result<std::string> found = database.QueryText(
      depth == CheckDepth::kQuick ? "PRAGMA quick_check(1)" : "PRAGMA integrity_check(1)");
  if (!found.ok()) return found.status();
  if (*found == "ok") return Ok();
  return DataLoss(database.file().filename().string() + ": " + *found);
}

Status WithRemedy(const Status& status, const sql::Database& database) {
  const std::string path = database.file().string();
  if (status.code() == Code::kDataLoss) {
    return DataLoss(path + " is damaged or no database (" + status.message() +
                    "): restore a backup with 'fusord restore', or move the file away");
  }
  const int last = sqlite3_errcode(database.handle()) & 0xff;
  if (!status.ok() && (last == SQLITE_BUSY || last == SQLITE_LOCKED)) {
    return Unavailable(path + " is locked by another program: close it and start again");
  }
  return status;
}

std::optional<std::string_view> NetworkFileSystem(std::uint64_t type) {
  struct Entry {
    std::uint64_t type;
    std::string_view name;
  };
  static constexpr std::array<Entry, 10> kTypes = {{
      {0x6969, "NFS"},
      {0x0bd00bd0, "Lustre"},
      {0x47504653, "GPFS"},
      {0x19830326, "BeeGFS"},
      {0x00c36400, "CephFS"},
      {0x01021997, "9P"},
      {0x5346414f, "AFS"},
      {0x517b, "SMB"},
      {0xfe534d42, "SMB2"},
      {0xff534d42, "CIFS"},
  }};
  for (const Entry& entry : kTypes) {
    // f_type is a signed word on some machines: compare what both can hold.
    if (entry.type == (type & 0xffffffff)) return entry.name;
  }
  return std::nullopt;
}

}  // namespace fusor
