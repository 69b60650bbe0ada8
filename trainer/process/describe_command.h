#pragma once

// fusor-train describe model=NAME [key=value...]

#include <span>
#include <string>

#include "common/base/status.h"
#include "trainer/models/describe.h"

namespace fusor {

// From the arguments behind `describe`; all problems in one message, one per line.
Result<DescribeOptions> ParseDescribe(std::span<const char* const> arguments);

// The table that people read.
std::string DescriptionText(const Description& description, const DescribeOptions& options);

// What there is to set.
std::string DescribeHelpText();

}  // namespace fusor
