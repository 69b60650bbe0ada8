#pragma once

// What `watch` shows of its model: a frame that is drawn in place, or single lines.

#include <cstddef>
#include <string>
#include <vector>

#include "client/format/look.h"
#include "client/view/watch_model.h"
#include "common/base/time.h"

namespace fusor::client {

// At most `rows` lines.
std::vector<std::string> WatchFrame(const WatchModel& model, Time now, const Look& look,
                                    std::size_t rows);

// "12:34:56  task-3-resnet  failed  out_of_memory(host)"
std::string HappeningLine(const Happening& happening, const Look& look);

// "31%  5 succeeded, 2 running, 9 waiting  about 1m 20s left"
std::string ProgressLine(const WatchModel& model, const Look& look);

}  // namespace fusor::client
