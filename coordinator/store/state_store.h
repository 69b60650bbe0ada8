#pragma once

// state.db: what the core decided. One writer, owned by the loop thread; readers open connections of
// their own (state_reader.h). docs/storage.md is the schema's contract.

#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "common/base/status.h"
#include "coordinator/core/snapshot.h"
#include "coordinator/core/write.h"

namespace fusor {

class StateStore {
 public:
  struct Options {
    std::filesystem::path directory;
    bool exclusive = false;  // no shared-memory WAL: for network file systems
  };

  // Opens or creates the file, migrates it, checks it after an unclean stop. Refuses a newer schema, a
  // foreign file, damage, and a file another daemon has open, each with one line that says what to do.
  static Result<std::unique_ptr<StateStore>> Open(const Options& options);
  virtual ~StateStore() = default;

  // All writes in one synced transaction, or none. kUnavailable (busy) and kResourceExhausted (disk full)
  // are worth trying again with the same writes; the loop freezes meanwhile.
  virtual Status Commit(std::span<const Write> writes) = 0;

  // Everything the core needs to go on. `parse` turns a stored sweep row into its spec again.
  using ParseSpec = Result<std::shared_ptr<const SweepSpec>> (*)(const PutSweep& row);
  virtual Result<Snapshot> Load(ParseSpec parse) = 0;

  // A durable name for the cluster, made with the file; and how often it was restored from a backup.
  virtual std::string cluster_id() const = 0;
  virtual std::uint64_t generation() const = 0;

  // Marks a clean stop, so that the next Open skips the check.
  virtual Status Close() = 0;
};

}  // namespace fusor
