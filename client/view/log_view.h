#pragma once

// Lines of trials' logs.

#include <string>

#include "client/format/json.h"
#include "client/format/look.h"
#include "fusor/v1/sweep_service.pb.h"
#include "fusor/v1/trial_service.pb.h"

namespace fusor::client {

struct LogStyle {
  bool prefixed = true;   // "[task-0-densenet-multiplicative] "
  bool times = false;     // local time before the line
  bool harmless = false;  // for a terminal: no control characters pass
};

// Without the end of line.
std::string LogText(const v1::LogLine& line, const LogStyle& style, const Look& look);
// `sweep` is the line's own: it names the stage.
Json LogJson(const v1::LogLine& line, const v1::Sweep& sweep);

}  // namespace fusor::client
