#pragma once

// The few calls a benchmark makes as a client.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/harness/program.h"

namespace fusor::harness {

struct SweepCounts {
  std::uint64_t trials = 0;
  std::uint64_t running = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t ended = 0;  // in any terminal state
};

class Client {
 public:
  explicit Client(const Daemon& daemon);
  ~Client();

  // Stops the benchmark when refused.
  std::uint64_t Submit(const std::string& yaml);
  SweepCounts Counts(std::uint64_t sweep);
  // Waits until that many trials have ended; false when `seconds` were not enough.
  bool WaitEnded(std::uint64_t sweep, std::uint64_t trials, double seconds);
  // Of every trial of the stage's only seed: from the grant until its first metric point was made.
  std::vector<double> GrantToFirstPointMillis(std::uint64_t sweep, const std::string& stage);

 private:
  struct Stubs;
  std::unique_ptr<Stubs> stubs_;
};

}  // namespace fusor::harness
