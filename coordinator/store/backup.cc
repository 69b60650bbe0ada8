#include "coordinator/store/backup.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "coordinator/store/artifact_copy.h"
#include "coordinator/store/database_copy.h"
#include "coordinator/store/file.h"
#include "coordinator/store/lock_file.h"
#include "coordinator/store/manifest.h"
#include "coordinator/store/metrics_purger.h"
#include "coordinator/store/metrics_schema.h"
#include "coordinator/store/state_schema.h"
#include "coordinator/store/state_writer.h"

namespace fusor {

namespace {

constexpr std::string_view kSelectClusterId = "SELECT value FROM meta WHERE key = 'cluster_id'";
constexpr std::string_view kSelectGeneration =
    "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'generation'";
constexpr char kMarkClean[] = "UPDATE meta SET value = '1' WHERE key = 'clean_stop'";
// An attempt that its worker has not reported to have would be started again under the same number
// when the worker comes; but it dropped what it had, and metrics.db, the later copy, may hold facts
// of it. As one that the worker had, it is lost and its trial granted anew.
constexpr char kTakeGrantsAsBegun[] =
    "UPDATE attempt SET state = 'running' WHERE state = 'granted'";
constexpr std::string_view kSetGeneration = "UPDATE meta SET value = ? WHERE key = 'generation'";

Status RequireEmpty(const std::filesystem::path& directory) {
  std::error_code error;
  if (!std::filesystem::exists(directory, error)) return Ok();
  if (std::filesystem::is_empty(directory, error) && !error) return Ok();
  return FailedPrecondition(directory.string() +
                            " is not empty: name a directory that does not exist yet");
}

Status RequireNoDatabases(const std::filesystem::path& directory) {
  for (const DatabaseFormat* format : {&StateFormat(), &MetricsFormat()}) {
    const std::filesystem::path path = directory / format->name;
    std::error_code error;
    if (!std::filesystem::exists(path, error)) continue;
    return FailedPrecondition(path.string() +
                              " exists already: move it away, or restore to another directory");
  }
  return Ok();
}

std::uint64_t BytesOf(const std::filesystem::path& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  return error ? 0 : size;
}

// Makes the copy of state.db ready to be started, and reads from it what the manifest says.
Status FinishState(const sql::Database& state, Manifest& manifest) {
  RETURN_IF_ERROR(state.Execute(kMarkClean));
  Result<std::string> cluster_id = state.QueryText(kSelectClusterId);
  if (!cluster_id.ok()) return cluster_id.status();
  manifest.cluster_id = std::move(cluster_id).value();
  const Result<std::int64_t> generation = state.QueryInt(kSelectGeneration);
  if (!generation.ok()) return generation.status();
  manifest.generation = static_cast<std::uint64_t>(*generation);
  return Ok();
}

Status HashDatabases(const std::filesystem::path& directory, Manifest& manifest) {
  Result<std::string> state = HashFile(directory / StateFormat().name);
  if (!state.ok()) return state.status();
  manifest.state_sha256 = std::move(state).value();
  Result<std::string> metrics = HashFile(directory / MetricsFormat().name);
  if (!metrics.ok()) return metrics.status();
  manifest.metrics_sha256 = std::move(metrics).value();
  return Ok();
}

// Two restores of one backup must differ too, so the clock is part of it.
std::uint64_t NextGeneration(std::uint64_t last) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  return std::max(last + 1, static_cast<std::uint64_t>(seconds));
}

// Everything that the copies need before they may be taken for a data directory.
Status PrepareCopies(const sql::Database& state, const std::filesystem::path& metrics_file,
                     std::uint64_t generation) {
  sql::Statement set;
  RETURN_IF_ERROR(state.PrepareInto(set, kSetGeneration));
  const std::string text = std::to_string(generation);
  RETURN_IF_ERROR(set.Run(text));
  RETURN_IF_ERROR(state.Execute(kTakeGrantsAsBegun));
  const Result<LastNumbers> numbers = ReadLastNumbers(state);
  if (!numbers.ok()) return numbers.status();
  // Attempts granted after the copy of state.db was made: their numbers will be given out again.
  const Result<sql::Database> metrics = OpenCopy(metrics_file);
  if (!metrics.ok()) return metrics.status();
  sql::Transaction transaction(*metrics);
  RETURN_IF_ERROR(transaction.Begin());
  RETURN_IF_ERROR(DropAttemptsAfter(*metrics, {numbers->attempt}));
  return transaction.Commit();
}

}  // namespace

Result<BackupReport> Backup(const BackupOptions& options) {
  RETURN_IF_ERROR(RequireEmpty(options.destination));
  RETURN_IF_ERROR(MakeDirectory(options.destination));
  const std::filesystem::path state_file = options.destination / StateFormat().name;
  const std::filesystem::path metrics_file = options.destination / MetricsFormat().name;
  RETURN_IF_ERROR(CopyDatabase(StateFormat(), options.data / StateFormat().name, state_file));
  RETURN_IF_ERROR(CopyDatabase(MetricsFormat(), options.data / MetricsFormat().name, metrics_file));

  BackupReport report;
  Manifest manifest;
  manifest.has_artifacts = options.with_artifacts;
  {
    const Result<sql::Database> state = OpenCopy(state_file);
    if (!state.ok()) return state.status();
    RETURN_IF_ERROR(FinishState(*state, manifest));
    if (options.with_artifacts) {
      const Result<ArtifactCopy> copy = CopyArtifacts(*state, options.data, options.destination);
      if (!copy.ok()) return copy.status();
      report.artifacts = copy->files;
      report.artifact_bytes = copy->bytes;
      report.rows_dropped = copy->rows_dropped;
    }
  }
  RETURN_IF_ERROR(HashDatabases(options.destination, manifest));
  report.database_bytes = BytesOf(state_file) + BytesOf(metrics_file);
  RETURN_IF_ERROR(WriteManifest(options.destination, manifest));
  return report;
}

Result<RestoreReport> Restore(const RestoreOptions& options) {
  const Result<Manifest> manifest = ReadManifest(options.backup);
  if (!manifest.ok()) return manifest.status();
  Manifest found;
  RETURN_IF_ERROR(HashDatabases(options.backup, found));
  if (found.state_sha256 != manifest->state_sha256 ||
      found.metrics_sha256 != manifest->metrics_sha256) {
    return DataLoss("the backup in " + options.backup.string() +
                    " is damaged: a database is not what its manifest says");
  }
  RETURN_IF_ERROR(MakeDirectory(options.data));
  const Result<LockFile> lock = LockFile::Acquire(options.data / "state.lock");
  if (!lock.ok()) return lock.status();
  RETURN_IF_ERROR(RequireNoDatabases(options.data));

  const std::filesystem::path state_file = options.data / "restore-state.part";
  const std::filesystem::path metrics_file = options.data / "restore-metrics.part";
  const auto state_bytes = CopyFile(options.backup / StateFormat().name, state_file);
  if (!state_bytes.ok()) return state_bytes.status();
  const auto metrics_bytes = CopyFile(options.backup / MetricsFormat().name, metrics_file);
  if (!metrics_bytes.ok()) return metrics_bytes.status();

  RestoreReport report;
  report.generation = NextGeneration(manifest->generation);
  {
    const Result<sql::Database> state = OpenCopy(state_file);
    if (!state.ok()) return state.status();
    RETURN_IF_ERROR(PrepareCopies(*state, metrics_file, report.generation));
    const Result<ArtifactCopy> copy = CopyArtifacts(*state, options.backup, options.data);
    if (!copy.ok()) return copy.status();
    report.artifacts = copy->files;
    report.rows_dropped = copy->rows_dropped;
  }
  // metrics.db first: a state.db alone would be started with empty metrics.
  RETURN_IF_ERROR(RenameDurably(metrics_file, options.data / MetricsFormat().name));
  RETURN_IF_ERROR(RenameDurably(state_file, options.data / StateFormat().name));
  return report;
}

}  // namespace fusor
