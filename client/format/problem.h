#pragma once

// What is wrong with a sweep file, as compilers say it: FILE:LINE:COLUMN: message, the line itself
// and a caret below the column.

#include <cstdint>
#include <string>
#include <string_view>

#include "client/format/look.h"

namespace fusor::client {

struct SourceProblem {
  std::uint32_t line = 0;    // from 1; 0 = not in the file (an override)
  std::uint32_t column = 0;  // from 1, in characters
  std::string path;          // "stages.fusion.axes.batch_size"
  std::string message;
};

std::string RenderProblem(const SourceProblem& problem, std::string_view file,
                          std::string_view source, const Look& look);

}  // namespace fusor::client
