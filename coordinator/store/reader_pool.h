#pragma once

// A few read-only connections for many threads. In exclusive mode there is one connection, the
// writer's, and its gate.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/base/time.h"
#include "coordinator/store/connection_gate.h"
#include "coordinator/store/database_file.h"
#include "coordinator/store/sqlite.h"

namespace fusor {

class ReaderPool {
  struct Reader;

 public:
  static Result<std::unique_ptr<ReaderPool>> Open(const DatabaseFormat& format,
                                                  const ReadDoor& door, int connections);
  ~ReaderPool();

  // One connection with one consistent state, until it goes out of scope. Statements are prepared
  // once per connection.
  class Lease {
   public:
    Lease(ReaderPool& pool, Reader& reader);
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease();

    const Status& status() const { return status_; }
    const sql::Database& database() const;
    Result<sql::Statement*> Prepare(const std::string& text);

   private:
    ReaderPool& pool_;
    Reader& reader_;
    Status status_;
  };

  // Waits for a free connection. `what` names the call in LongReads.
  std::unique_ptr<Lease> Take(std::string_view what);

  std::vector<std::string> LongReads(Duration age) const;

 private:
  ReaderPool() = default;
  void GiveBack(Reader& reader);

  std::vector<std::unique_ptr<Reader>> readers_;  // constant after Open
  std::mutex* gate_ = nullptr;                    // exclusive mode: also held while reading
  mutable std::mutex mutex_;                      // guards the readers' `busy`, `what` and `since`
  std::condition_variable freed_;
};

}  // namespace fusor
