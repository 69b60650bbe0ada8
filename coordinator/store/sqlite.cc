#include "coordinator/store/sqlite.h"

#include <cerrno>
#include <utility>

namespace fusor::sql {

namespace {

bool IsNoSpace(int system_error) {
  return system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG;
}

// Why the last operation on the file failed, as the system said it. Its errno is gone by now.
int LastErrno(sqlite3* connection, int file_kind) {
  sqlite3_file* file = nullptr;
  int last = 0;
  if (sqlite3_file_control(connection, "main", file_kind, &file) != SQLITE_OK) return last;
  if (file == nullptr || file->pMethods == nullptr) return last;
  file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &last);
  return last;
}

// A full disk is SQLITE_FULL; a full quota and a file at its limit are I/O errors to SQLite.
bool IsOutOfSpace(sqlite3* connection) {
  return IsNoSpace(LastErrno(connection, SQLITE_FCNTL_JOURNAL_POINTER)) ||
         IsNoSpace(LastErrno(connection, SQLITE_FCNTL_FILE_POINTER)) ||
         IsNoSpace(sqlite3_system_errno(connection));
}

std::string NameOf(sqlite3* connection) {
  const char* path = sqlite3_db_filename(connection, "main");
  if (path == nullptr || *path == '\0') return "database";
  return std::filesystem::path(path).filename().string();
}

}  // namespace

Status ErrorOf(sqlite3* connection, int result_code) {
  std::string text = NameOf(connection) + ": " + sqlite3_errmsg(connection);
  switch (result_code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Unavailable(std::move(text));
    case SQLITE_FULL:
      return ResourceExhausted(std::move(text));
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      if (IsOutOfSpace(connection)) return ResourceExhausted(std::move(text));
      return Unavailable(std::move(text));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return DataLoss(std::move(text));
    default:
      return Internal(std::move(text));
  }
}

bool Statement::Next() {
  int result = bind_error_;
  if (result == SQLITE_OK) result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) {
    if (!status_.ok()) status_ = Ok();
  } else {
    status_ = ErrorOf(sqlite3_db_handle(statement_.get()), result);
  }
  Reset();
  return false;
}

Status Statement::Finish() {
  while (Next()) {
  }
  return status_;
}

void Statement::Reset() {
  sqlite3_reset(statement_.get());
  bind_error_ = SQLITE_OK;
  bound_ = 0;
}

std::string_view Statement::Text(int column) const {
  const auto* text = sqlite3_column_text(statement_.get(), column);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::string_view Statement::Blob(int column) const {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

Result<Database> Database::Open(const std::filesystem::path& file, Access access) {
  // Nobody reads SQLite's statistics of its memory, and to keep them costs a lock per allocation.
  // It has to be said before the first connection, once; a later word would be ignored.
  [[maybe_unused]] static const int kConfigured = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  switch (access) {
    case Access::kCreate:
      flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
      break;
    case Access::kWrite:
      flags |= SQLITE_OPEN_READWRITE;
      break;
    case Access::kRead:
      flags |= SQLITE_OPEN_READONLY;
      break;
  }
  sqlite3* connection = nullptr;
  const int result = sqlite3_open_v2(file.c_str(), &connection, flags, nullptr);
  if (connection == nullptr) return ResourceExhausted("no memory to open " + file.string());
  Database database(connection, file);
  if (result != SQLITE_OK) {
    const Status error = ErrorOf(connection, result);
    return Status(error.code(),
                  file.string() + ": cannot be opened: " + sqlite3_errmsg(connection));
  }
  return database;
}

Result<Statement> Database::Prepare(std::string_view text) const {
  sqlite3_stmt* statement = nullptr;
  const int result =
      sqlite3_prepare_v3(connection_.get(), text.data(), static_cast<int>(text.size()),
                         SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (result != SQLITE_OK) return ErrorOf(connection_.get(), result);
  return Statement(statement);
}

Status Database::PrepareInto(Statement& statement, std::string_view text) const {
  Result<Statement> prepared = Prepare(text);
  if (!prepared.ok()) return prepared.status();
  statement = std::move(*prepared);
  return Ok();
}

Status Database::Execute(const std::string& script) const {
  const int result = sqlite3_exec(connection_.get(), script.c_str(), nullptr, nullptr, nullptr);
  return result == SQLITE_OK ? Ok() : ErrorOf(connection_.get(), result);
}

Result<std::int64_t> Database::QueryInt(std::string_view text) const {
  Result<Statement> statement = Prepare(text);
  if (!statement.ok()) return statement.status();
  const std::int64_t value = statement->Next() ? statement->Int(0) : 0;
  if (!statement->status().ok()) return statement->status();
  return value;
}

Result<std::string> Database::QueryText(std::string_view text) const {
  Result<Statement> statement = Prepare(text);
  if (!statement.ok()) return statement.status();
  std::string value;
  if (statement->Next()) value = statement->Text(0);
  if (!statement->status().ok()) return statement->status();
  return value;
}

Transaction::~Transaction() {
  if (!open_) return;
  // Some errors have rolled back already; an error of ROLLBACK then says just that.
  if (sqlite3_get_autocommit(database_.handle()) == 0) (void)database_.Execute("ROLLBACK");
}

Status Transaction::Begin() {
  RETURN_IF_ERROR(database_.Execute("BEGIN IMMEDIATE"));
  open_ = true;
  return Ok();
}

Status Transaction::Commit() {
  RETURN_IF_ERROR(database_.Execute("COMMIT"));
  open_ = false;
  return Ok();
}

}  // namespace fusor::sql
