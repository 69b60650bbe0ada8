#pragma once

// Time is an argument everywhere in the cores. `Time` counts from the Unix epoch; the loop thread
// takes it from one monotonic source anchored to the wall clock at start, so it never goes back.

#include <chrono>
#include <cstdint>

namespace fusor {

using Duration = std::chrono::milliseconds;
using Time = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

inline constexpr Time kNever = Time::max();

inline std::int64_t ToUnixMillis(Time time) { return time.time_since_epoch().count(); }
inline Time FromUnixMillis(std::int64_t millis) { return Time(Duration(millis)); }

}  // namespace fusor
