#pragma once

// Who keeps a database's write-ahead log from starting over: processes that are in the middle of
// reading it. For the log's size alarm; this process' own readers are in LongReads of its pools.

#include <filesystem>
#include <string>
#include <vector>

namespace fusor {

// "sqlite3 (process 1234)" for every other process that holds a read lock; empty when there is
// none, or when the system does not tell.
std::vector<std::string> ForeignReaders(const std::filesystem::path& database);

}  // namespace fusor
