#pragma once

// state.db: what the core decided. One writer, owned by the loop thread; readers open connections
// of their own (state_reader.h). docs/storage.md is the schema's contract.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "coordinator/core/snapshot.h"
#include "coordinator/core/write.h"
#include "coordinator/store/connection_gate.h"

namespace fusor {

// The engine's side of the store: where a turn's writes go, and what is left to clear away.
class CommitTarget {
 public:
  virtual ~CommitTarget() = default;

  // All writes in one synced transaction, or none. kUnavailable (busy) and kResourceExhausted (disk
  // full) are worth trying again with the same writes; the loop freezes meanwhile. Without writes
  // it does a slice of the work that removed sweeps left behind, if any.
  virtual Status Commit(std::span<const Write> writes) = 0;

  // Rows of removed sweeps are still being cleared away: Commit({}) when there is nothing else to
  // do.
  virtual bool has_cleanup() const = 0;

  // Files that no artifact row names any more are collected (artifact_store.h), then forgotten
  // here.
  virtual Status ForgetGarbage(std::span<const std::string> sha256s) = 0;

  // Bytes of the write-ahead log: more than limits::kWalBytesAlarm means that a reader holds it;
  // see wal_readers.h for its name.
  virtual std::uint64_t wal_bytes() const = 0;
};

class StateStore : public CommitTarget {
 public:
  struct Options {
    std::filesystem::path directory;
    bool exclusive = false;  // no shared-memory WAL: for network file systems
  };

  // Opens or creates the file, migrates it, checks it after an unclean stop. Refuses a newer
  // schema, a foreign file, damage, and a file another daemon has open, each with one line that
  // says what to do.
  static Result<std::unique_ptr<StateStore>> Open(const Options& options);

  // Everything the core needs to go on. `parse` turns a stored sweep row into its spec again.
  using ParseSpec = Result<std::shared_ptr<const SweepSpec>> (*)(const PutSweep& row);
  virtual Result<Snapshot> Load(ParseSpec parse) = 0;

  // A durable name for the cluster, made with the file; and how often it was restored from a
  // backup.
  virtual std::string cluster_id() const = 0;
  virtual std::uint64_t generation() const = 0;

  // Was the last stop a clean one? Otherwise Open has checked the file.
  virtual bool was_clean() const = 0;

  // For readers. The store must outlive them.
  virtual ReadDoor read_door() = 0;

  // Marks a clean stop, so that the next Open skips the check.
  virtual Status Close() = 0;
};

}  // namespace fusor
