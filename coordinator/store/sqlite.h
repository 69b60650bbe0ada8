#pragma once

// SQLite as values: a connection, statements prepared once, a transaction that rolls back unless it
// is committed; every error a Status. Thread rule: a Database and its Statements belong to one
// thread at a time. Lifetime rule: a Statement and a Transaction end before their Database.

#include <sqlite3.h>

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace fusor::sql {

// BUSY and I/O errors are worth another try (kUnavailable), a full disk is kResourceExhausted, a
// damaged or foreign file kDataLoss; whatever else is a programmer's error in SQL (kInternal).
Status ErrorOf(sqlite3* connection, int result_code);

// A prepared statement. Parameters are bound in the order in which they stand in the text; texts
// are not copied, so they must live until the step.
class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  // Binds all parameters, runs to the end and resets.
  template <class... Values>
  Status Run(const Values&... values) {
    Start(values...);
    return Finish();
  }

  // Binds all parameters; rows then come by Next().
  template <class... Values>
  void Start(const Values&... values) {
    if (!status_.ok()) status_ = Ok();
    bound_ = 0;
    (Bind(values), ...);
  }

  // Binds the next parameter, for statements whose parameters come in groups.
  template <std::integral T>
  void Bind(T value) {
    Note(sqlite3_bind_int64(statement_.get(), ++bound_, static_cast<sqlite3_int64>(value)));
  }
  void Bind(double value) { Note(sqlite3_bind_double(statement_.get(), ++bound_, value)); }
  void Bind(std::string_view text) {
    // A null pointer would be bound as NULL; an empty text is not that.
    Note(sqlite3_bind_text(statement_.get(), ++bound_, text.data() == nullptr ? "" : text.data(),
                           static_cast<int>(text.size()), SQLITE_STATIC));
  }
  void BindBlob(std::string_view bytes) {
    Note(sqlite3_bind_blob(statement_.get(), ++bound_, bytes.data() == nullptr ? "" : bytes.data(),
                           static_cast<int>(bytes.size()), SQLITE_STATIC));
  }

  // True while there is a row. False at the end and on an error: status() tells which. The
  // statement is reset when it returns false.
  bool Next();
  const Status& status() const { return status_; }
  // Runs to the end, resets, and returns what went wrong.
  Status Finish();
  void Reset();

  // Columns of the current row, from 0. Views live until the next Next().
  std::int64_t Int(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  // Aggregates over no rows; no column holds NULL.
  bool IsNull(int column) const {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
  }
  double Real(int column) const { return sqlite3_column_double(statement_.get(), column); }
  std::string_view Text(int column) const;
  std::string_view Blob(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };

  void Note(int result_code) {
    if (result_code != SQLITE_OK) bind_error_ = result_code;
  }

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  Status status_;
  int bound_ = 0;
  int bind_error_ = SQLITE_OK;
};

// Reads a row's columns one after the other.
class Columns {
 public:
  explicit Columns(const Statement& row) : row_(row) {}

  template <class T = std::int64_t>
  T Int() {
    return static_cast<T>(row_.Int(next_++));
  }
  double Real() { return row_.Real(next_++); }
  std::string Text() { return std::string(row_.Text(next_++)); }
  std::string_view View() { return row_.Text(next_++); }
  std::string Blob() { return std::string(row_.Blob(next_++)); }
  void Skip() { ++next_; }

 private:
  const Statement& row_;
  int next_ = 0;
};

enum class Access { kCreate, kWrite, kRead };

class Database {
 public:
  // Opens the file; creates it only with kCreate. Nothing is read yet.
  static Result<Database> Open(const std::filesystem::path& file, Access access);

  // A programmer's error in the text is a kInternal status; a damaged file shows up here too.
  Result<Statement> Prepare(std::string_view text) const;
  // The same, into a member or a variable that outlives the call.
  Status PrepareInto(Statement& statement, std::string_view text) const;
  // Runs statements that give no rows.
  Status Execute(const std::string& script) const;
  // The first column of the first row; 0 when there is none.
  Result<std::int64_t> QueryInt(std::string_view text) const;
  Result<std::string> QueryText(std::string_view text) const;

  const std::filesystem::path& file() const { return file_; }
  sqlite3* handle() const { return connection_.get(); }
  // Rows that the last INSERT, UPDATE or DELETE touched.
  std::int64_t Changes() const { return sqlite3_changes64(connection_.get()); }

 private:
  struct Close {
    void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
  };

  Database(sqlite3* connection, std::filesystem::path file)
      : connection_(connection), file_(std::move(file)) {}

  std::unique_ptr<sqlite3, Close> connection_;
  std::filesystem::path file_;
};

// BEGIN IMMEDIATE ... COMMIT, or ROLLBACK when it goes out of scope uncommitted.
class Transaction {
 public:
  explicit Transaction(const Database& database) : database_(database) {}
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();

  Status Begin();
  // On an error nothing was committed and the transaction is rolled back.
  Status Commit();

 private:
  const Database& database_;
  bool open_ = false;
};

}  // namespace fusor::sql
