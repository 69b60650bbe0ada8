#pragma once

// Cuts a stream of bytes into whole log lines.

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/session.h"

namespace fusor::agent {

class LogReader {
 public:
  explicit LogReader(bool is_error_stream) : is_error_stream_(is_error_stream) {}

  // Returns the lines that are now complete, as one fact; its text is empty when there are none.
  // Lines that are too long are cut.
  LogFact Read(std::string_view bytes, std::int64_t now_ms);

  // The stream is at its end: a line without its newline counts.
  LogFact Finish(std::int64_t now_ms);

 private:
  const bool is_error_stream_;
  std::string partial_;
};

}  // namespace fusor::agent
