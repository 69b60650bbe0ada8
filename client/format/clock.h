#pragma once

// Moments as people and programs read them. The present is an argument.

#include <string>

#include "common/base/time.h"

namespace fusor::client {

// "12s ago", "3h ago", "2025-06-30" when more than a week has passed, "" for kNever.
std::string AgoText(Time time, Time now);

// "2025-06-30T12:34:56.789Z"
std::string IsoTime(Time time);
// "12:34:56" and "2025-06-30 12:34:56" in local time.
std::string ClockText(Time time);
std::string DateText(Time time);

}  // namespace fusor::client
