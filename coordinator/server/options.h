#pragma once

// fusord's command line.

#include <cstddef>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/base/time.h"
#include "coordinator/server/address.h"
#include "coordinator/store/backup.h"

namespace fusor {

struct ServeOptions {
  std::filesystem::path data;
  Address listen{"127.0.0.1", 7070};
  Address http{"127.0.0.1", 7071};
  bool insecure = false;   // listen beyond loopback without encryption
  bool exclusive = false;  // the data directory lies on a network file system
  Duration lease_length = limits::kLeaseLength;
  Duration heartbeat_every = limits::kHeartbeatEvery;
  Duration start_deadline = limits::kStartDeadline;
  Duration stop_deadline{10'000};
  std::size_t watchers_max = limits::kWatchersMax;
  std::string log_level = "info";
};

struct VerifyOptions {
  std::filesystem::path data;
  bool deep = false;  // read every page and every artifact
};

// A sweep file read, checked and expanded without a daemon; for `fusor plan`.
struct PlanOptions {
  std::filesystem::path source_file;
  std::vector<std::string> overrides;
};

// What was asked for and printed already: help, the version.
struct Nothing {};

using Command =
    std::variant<ServeOptions, BackupOptions, RestoreOptions, VerifyOptions, PlanOptions, Nothing>;

// The first line of a refusal says what is wrong.
Result<Command> ParseCommandLine(int argc, const char* const* argv);

// "15s", "500ms", "2m", "1h"; a bare number is seconds.
Result<Duration> ParseDuration(const std::string& text);

}  // namespace fusor
