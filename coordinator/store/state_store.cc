#include "coordinator/store/state_store.h"

#include <string_view>
#include <utility>
#include <variant>

#include "coordinator/store/checkpointer.h"
#include "coordinator/store/coalesce.h"
#include "coordinator/store/database_file.h"
#include "coordinator/store/file.h"
#include "coordinator/store/lock_file.h"
#include "coordinator/store/purger.h"
#include "coordinator/store/snapshot_loader.h"
#include "coordinator/store/state_schema.h"
#include "coordinator/store/state_writer.h"

namespace fusor {

namespace {

constexpr std::string_view kSelectClusterId = "SELECT value FROM meta WHERE key = 'cluster_id'";
constexpr std::string_view kSelectGeneration =
    "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'generation'";
constexpr std::string_view kSelectCleanStop =
    "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'clean_stop'";
constexpr char kMarkRunning[] = "UPDATE meta SET value = '0' WHERE key = 'clean_stop'";
constexpr char kMarkStopped[] = "UPDATE meta SET value = '1' WHERE key = 'clean_stop'";
constexpr std::string_view kForget = "DELETE FROM artifact_garbage WHERE sha256 = ?";

// 32 MiB of log between two checkpoints: rows that a trial rewrites within that time reach the
// database file once.
constexpr std::int64_t kCheckpointPages = 4'000;

class SqliteStateStore final : public StateStore {
 public:
  SqliteStateStore(LockFile lock, sql::Database database, bool exclusive)
      : lock_(std::move(lock)),
        connection_(std::move(database)),
        checkpointer_(connection_.database, kCheckpointPages),
        exclusive_(exclusive) {}

  Status Start() { return WithRemedy(Prepare(), connection_.database); }

  Status Commit(std::span<const Write> writes) override;
  Result<Snapshot> Load(ParseSpec parse) override;
  std::string cluster_id() const override { return cluster_id_; }
  std::uint64_t generation() const override { return generation_; }
  bool was_clean() const override { return was_clean_; }
  bool has_cleanup() const override { return purger_.pending(); }
  Status ForgetGarbage(std::span<const std::string> sha256s) override;
  std::uint64_t wal_bytes() const override { return checkpointer_.wal_bytes(); }
  ReadDoor read_door() override;
  Status Close() override;

 private:
  Status Prepare();
  Status Apply(std::span<const Write> writes);

  LockFile lock_;
  ConnectionGate connection_;
  Checkpointer checkpointer_;
  std::unique_ptr<StateWriter> writer_;
  Purger purger_;
  Coalescer coalescer_;
  std::string cluster_id_;
  std::uint64_t generation_ = 0;
  bool was_clean_ = true;
  const bool exclusive_;
};

Status SqliteStateStore::Prepare() {
  const sql::Database& database = connection_.database;
  const Result<std::string> cluster_id = database.QueryText(kSelectClusterId);
  if (!cluster_id.ok()) return cluster_id.status();
  cluster_id_ = *cluster_id;
  const Result<std::int64_t> generation = database.QueryInt(kSelectGeneration);
  if (!generation.ok()) return generation.status();
  generation_ = static_cast<std::uint64_t>(*generation);
  const Result<std::int64_t> clean = database.QueryInt(kSelectCleanStop);
  if (!clean.ok()) return clean.status();
  was_clean_ = *clean != 0;
  if (!was_clean_) RETURN_IF_ERROR(CheckDatabase(database, CheckDepth::kQuick));
  RETURN_IF_ERROR(database.Execute(kMarkRunning));

  Result<std::unique_ptr<StateWriter>> writer = StateWriter::Prepare(database);
  if (!writer.ok()) return writer.status();
  writer_ = std::move(*writer);
  Result<Purger> purger = Purger::Prepare(database);
  if (!purger.ok()) return purger.status();
  purger_ = std::move(*purger);
  return Ok();
}

Status SqliteStateStore::Commit(std::span<const Write> writes) {
  if (writes.empty() && !purger_.pending()) return Ok();
  const std::scoped_lock hold(connection_.gate);
  sql::Transaction transaction(connection_.database);
  RETURN_IF_ERROR(transaction.Begin());
  RETURN_IF_ERROR(Apply(writes));
  RETURN_IF_ERROR(purger_.Slice());
  RETURN_IF_ERROR(transaction.Commit());
  writer_->Committed();
  checkpointer_.AfterCommit();
  return Ok();
}

Status SqliteStateStore::Apply(std::span<const Write> writes) {
  const std::vector<std::uint8_t>& superseded = coalescer_.Superseded(writes);
  for (std::size_t i = 0; i < writes.size(); ++i) {
    if (superseded[i] != 0 || std::holds_alternative<PutCursor>(writes[i])) continue;
    RETURN_IF_ERROR(writer_->Apply(writes[i]));
    if (std::holds_alternative<RemoveSweep>(writes[i])) purger_.Wake();
  }
  // Cursors are kept in the leases, which the attempts among the writes make.
  for (std::size_t i = 0; i < writes.size(); ++i) {
    if (superseded[i] != 0 || !std::holds_alternative<PutCursor>(writes[i])) continue;
    RETURN_IF_ERROR(writer_->Apply(writes[i]));
  }
  return writer_->PutNumbers();
}

Result<Snapshot> SqliteStateStore::Load(ParseSpec parse) {
  const std::scoped_lock hold(connection_.gate);
  return LoadSnapshot(connection_.database, parse);
}

Status SqliteStateStore::ForgetGarbage(std::span<const std::string> sha256s) {
  if (sha256s.empty()) return Ok();
  const std::scoped_lock hold(connection_.gate);
  sql::Transaction transaction(connection_.database);
  RETURN_IF_ERROR(transaction.Begin());
  sql::Statement forget;
  RETURN_IF_ERROR(connection_.database.PrepareInto(forget, kForget));
  for (const std::string& sha256 : sha256s) RETURN_IF_ERROR(forget.Run(sha256));
  return transaction.Commit();
}

ReadDoor SqliteStateStore::read_door() {
  return {connection_.database.file(), exclusive_ ? &connection_ : nullptr};
}

Status SqliteStateStore::Close() {
  const std::scoped_lock hold(connection_.gate);
  return connection_.database.Execute(kMarkStopped);
}

}  // namespace

Result<std::unique_ptr<StateStore>> StateStore::Open(const Options& options) {
  RETURN_IF_ERROR(MakeDirectory(options.directory));
  Result<LockFile> lock = LockFile::Acquire(options.directory / "state.lock");
  if (!lock.ok()) return lock.status();
  Result<sql::Database> database =
      OpenForWriting(StateFormat(), {options.directory, options.exclusive});
  if (!database.ok()) return database.status();
  auto store =
      std::make_unique<SqliteStateStore>(std::move(*lock), std::move(*database), options.exclusive);
  RETURN_IF_ERROR(store->Start());
  return std::unique_ptr<StateStore>(std::move(store));
}

}  // namespace fusor
