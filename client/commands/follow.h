#pragma once

// Follows a sweep until it is over: drawn in place on a terminal, line by line elsewhere.

#include <string>

#include "client/commands/session.h"
#include "client/link/api.h"
#include "common/base/status.h"
#include "common/base/time.h"

namespace fusor::client {

struct FollowOptions {
  // How long a coordinator that has gone may stay away before following ends.
  Duration patience{600'000};
  // Said at Ctrl-C, after the sweep's state: what goes on and how to come back.
  std::string on_interrupt;
};

struct Followed {
  v1::Sweep sweep;
  bool interrupted = false;
};

Result<Followed> FollowSweep(Session& session, Api& api, std::uint64_t sweep,
                             const FollowOptions& options);

// The end of watch, submit --wait and local: one line and the results. Gives the exit code.
Result<int> ShowEnd(Session& session, Api& api, const v1::Sweep& sweep);
// What to look at then.
void NextAfterEnd(Session& session, const v1::Sweep& sweep);

}  // namespace fusor::client
