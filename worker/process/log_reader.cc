#include "worker/process/log_reader.h"

#include <algorithm>
#include <utility>

#include "common/base/limits.h"

namespace fusor::agent {

LogFact LogReader::Read(std::string_view bytes, std::int64_t now_ms) {
  LogFact fact{.time_ms = now_ms, .is_error_stream = is_error_stream_};
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    // Of a line that is too long the rest is passed over.
    const std::size_t room = limits::kLogLineBytesMax - partial_.size();
    partial_.append(piece.substr(0, std::min(room, piece.size())));
    if (end == std::string_view::npos) break;
    bytes.remove_prefix(end + 1);
    fact.text += partial_;
    fact.text += '\n';
    partial_.clear();
  }
  return fact;
}

LogFact LogReader::Finish(std::int64_t now_ms) {
  LogFact fact{.time_ms = now_ms, .is_error_stream = is_error_stream_};
  if (!partial_.empty()) fact.text = std::exchange(partial_, {}) + "\n";
  return fact;
}

}  // namespace fusor::agent
