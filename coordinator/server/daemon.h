#pragma once

// The whole coordinator: opens the files, restores the core, starts the threads, listens. Stops in
// the opposite order: the gate is closed, what is under way is drained, threads are joined, files
// are closed.

#include <memory>

#include "common/base/status.h"
#include "coordinator/server/files.h"
#include "coordinator/server/options.h"

namespace fusor {

class Daemon {
 public:
  // Serves when it returns; DIR/endpoint says where. A refusal is one line that says what to do.
  static Result<std::unique_ptr<Daemon>> Start(const ServeOptions& options);
  ~Daemon();

  const Endpoint& endpoint() const;
  // Nothing acknowledged is lost; what cannot be written down in time is not acknowledged.
  Status Stop();

 private:
  struct Parts;
  explicit Daemon(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace fusor
