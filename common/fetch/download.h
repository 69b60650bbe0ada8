#pragma once

// One file over HTTP(S) into a file that grows: cut connections are taken up where they broke, also
// by a later run. Size is held here; the contents are compared by the caller.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include "common/base/status.h"
#include "common/base/time.h"
#include "common/fetch/source.h"

namespace fusor {

struct DownloadOptions {
  Source source;
  std::filesystem::path part;  // what an earlier run left there is gone on with
  std::uint64_t bytes = 0;     // of the whole file
  std::string what;            // "cifar100", for messages
  std::stop_token stop;
  std::function<void(std::uint64_t done)> progress;  // several times a second
  int tries = 4;                                     // in a row without a single new byte
  Duration retry_wait{500};                          // before the first new try; doubles
  Duration silence{60'000};  // a connection that brings nothing for so long is given up
};

// Afterwards `part` has exactly `bytes`. When the connection failed for good (kUnavailable) or the
// disk is full (kResourceExhausted) it keeps what has come; otherwise it is gone.
Status Download(const DownloadOptions& options);

}  // namespace fusor
