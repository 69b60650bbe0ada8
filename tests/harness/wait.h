#pragma once

// Waiting for something to come about: on a state, with a deadline, never for a fixed time.

#include <functional>

namespace fusor::harness {

// Seconds since some moment.
double NowSeconds();

// Asks again and again until it holds; false when `seconds` were not enough.
bool WaitUntil(const std::function<bool()>& holds, double seconds);

}  // namespace fusor::harness
