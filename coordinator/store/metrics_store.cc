#include "coordinator/store/metrics_store.h"

#include <string_view>
#include <utility>

#include "coordinator/store/checkpointer.h"
#include "coordinator/store/database_file.h"
#include "coordinator/store/fact_writer.h"
#include "coordinator/store/file.h"
#include "coordinator/store/lock_file.h"
#include "coordinator/store/metrics_purger.h"
#include "coordinator/store/metrics_schema.h"

namespace fusor {

namespace {

// 64 MiB of log between two checkpoints: transactions are large here, and nobody waits for them.
constexpr std::int64_t kCheckpointPages = 8'000;

class SqliteMetricsStore final : public MetricsStore {
 public:
  SqliteMetricsStore(LockFile lock, sql::Database database, bool exclusive)
      : lock_(std::move(lock)),
        connection_(std::move(database)),
        checkpointer_(connection_.database, kCheckpointPages),
        exclusive_(exclusive) {}

  Status Start() { return WithRemedy(Prepare(), connection_.database); }

  Status Commit(std::span<const FactsForMetrics> batches) override;
  Result<std::uint64_t> Cursor(AttemptId attempt, std::uint32_t rank) override;
  Status Supersede(TrialKey trial, AttemptId by, std::int64_t step) override;
  Result<bool> RemoveSlice(SweepId sweep) override;
  Result<std::vector<SweepId>> Sweeps() override;
  std::uint64_t wal_bytes() const override { return checkpointer_.wal_bytes(); }
  ReadDoor read_door() override;
  Status Close() override { return Ok(); }

 private:
  Status Prepare();
  Status Write(std::span<const FactsForMetrics> batches);

  LockFile lock_;
  ConnectionGate connection_;
  Checkpointer checkpointer_;
  std::unique_ptr<FactWriter> writer_;
  const bool exclusive_;
};

Status SqliteMetricsStore::Prepare() {
  Result<std::unique_ptr<FactWriter>> writer = FactWriter::Prepare(connection_.database);
  if (!writer.ok()) return writer.status();
  writer_ = std::move(*writer);
  return Ok();
}

Status SqliteMetricsStore::Commit(std::span<const FactsForMetrics> batches) {
  if (batches.empty()) return Ok();
  const std::scoped_lock hold(connection_.gate);
  Status status = Write(batches);
  if (!status.ok()) writer_->Clear();
  checkpointer_.AfterCommit();
  return status;
}

Status SqliteMetricsStore::Write(std::span<const FactsForMetrics> batches) {
  sql::Transaction transaction(connection_.database);
  RETURN_IF_ERROR(transaction.Begin());
  for (const FactsForMetrics& batch : batches) RETURN_IF_ERROR(writer_->Apply(batch));
  RETURN_IF_ERROR(writer_->Finish());
  return transaction.Commit();
}

Result<std::uint64_t> SqliteMetricsStore::Cursor(AttemptId attempt, std::uint32_t rank) {
  const std::scoped_lock hold(connection_.gate);
  return writer_->Cursor(attempt, rank);
}

Status SqliteMetricsStore::Supersede(TrialKey trial, AttemptId by, std::int64_t step) {
  const std::scoped_lock hold(connection_.gate);
  sql::Transaction transaction(connection_.database);
  RETURN_IF_ERROR(transaction.Begin());
  RETURN_IF_ERROR(writer_->Supersede(trial, by, step));
  return transaction.Commit();
}

Result<bool> SqliteMetricsStore::RemoveSlice(SweepId sweep) {
  const std::scoped_lock hold(connection_.gate);
  sql::Transaction transaction(connection_.database);
  RETURN_IF_ERROR(transaction.Begin());
  const Result<bool> more = PurgeMetricsSlice(connection_.database, sweep);
  if (!more.ok()) return more.status();
  RETURN_IF_ERROR(transaction.Commit());
  writer_->Clear();
  checkpointer_.AfterCommit();
  return more;
}

Result<std::vector<SweepId>> SqliteMetricsStore::Sweeps() {
  const std::scoped_lock hold(connection_.gate);
  return SweepsWithMetrics(connection_.database);
}

ReadDoor SqliteMetricsStore::read_door() {
  return {connection_.database.file(), exclusive_ ? &connection_ : nullptr};
}

}  // namespace

Result<std::unique_ptr<MetricsStore>> MetricsStore::Open(const Options& options) {
  RETURN_IF_ERROR(MakeDirectory(options.directory));
  Result<LockFile> lock = LockFile::Acquire(options.directory / "metrics.lock");
  if (!lock.ok()) return lock.status();
  Result<sql::Database> database =
      OpenForWriting(MetricsFormat(), {options.directory, options.exclusive});
  if (!database.ok()) return database.status();
  auto store = std::make_unique<SqliteMetricsStore>(std::move(*lock), std::move(*database),
                                                    options.exclusive);
  RETURN_IF_ERROR(store->Start());
  return std::unique_ptr<MetricsStore>(std::move(store));
}

}  // namespace fusor
