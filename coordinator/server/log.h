#pragma once

// Structured logs to stderr: one line per state change, key=value, written by a thread of their own
// so that no loop or callback waits for a terminal or a disk.

#include <string>

namespace fusor {

void StartLogging(const std::string& level);
void StopLogging();

}  // namespace fusor
