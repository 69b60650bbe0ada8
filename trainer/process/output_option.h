#pragma once

// -o json: how commands that answer questions print.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace fusor {

enum class OutputFormat : std::uint8_t { kTable, kJson, kCsv };

// Reads `-o FORMAT` or `--output FORMAT` at arguments[at] and leaves `at` on its last word; false
// when something else stands there.
Result<bool> ReadOutput(std::span<const char* const> arguments, std::size_t& at,
                        OutputFormat& format);

// A field of a CSV line, quoted where it must be (RFC 4180).
std::string CsvField(std::string_view text);

}  // namespace fusor
