#pragma once

// What SQLite alone can do on this machine, in this run: the limits the daemon is held against.

#include <cstdint>
#include <filesystem>
#include <string>

namespace fusor::bench {

// The rows one trial needs (a trial, an attempt, three updates, two events, an evaluation),
// synchronous=FULL, 256 trials a transaction.
double BareSqliteTrialsPerSecond(const std::filesystem::path& file);

// Points into the daemon's own schema, prepared statement, synchronous=FULL, large transactions.
double BareSqlitePointsPerSecond(const std::filesystem::path& file, std::uint64_t points);

// How many rows a table of a database has: what was acknowledged must be there.
std::uint64_t CountRows(const std::filesystem::path& file, const std::string& table);

}  // namespace fusor::bench
