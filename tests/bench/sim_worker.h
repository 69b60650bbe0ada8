#pragma once

// Workers without trials: real gRPC streams whose trials end at once, or send metric points as fast
// as they are acknowledged. What a benchmark puts on the other side of a real daemon.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace fusor::bench {

struct SimWorkerOptions {
  std::string address;
  std::string token;
  int connections = 100;
  int slots = 8;
  enum class Trial { kInstant, kMetrics, kHeld } trial = Trial::kInstant;
  // kMetrics: how many points a trial sends, in facts of names x steps.
  std::uint64_t points_per_trial = 1'000'000;
  int names = 10;
  int steps_per_fact = 100;
  int first_index = 0;  // of the workers' names, to tell two sets apart
  std::string label;    // `pool` of all of them; empty = none
};

struct SimWorkerCounts {
  std::atomic<std::uint64_t> welcomed{0};
  std::atomic<std::uint64_t> started{0};
  std::atomic<std::uint64_t> finished{0};  // final facts acknowledged
  std::atomic<std::uint64_t> points_acknowledged{0};
  std::atomic<std::uint64_t> broken{0};       // streams that ended unasked
  std::atomic<double> last_start_seconds{0};  // when the newest Start arrived
};

class SimWorkers {
 public:
  explicit SimWorkers(SimWorkerOptions options);
  ~SimWorkers();

  // Opens every stream anew, after the daemon came back; what was held is held.
  void Reconnect(const std::string& address);

  const SimWorkerCounts& counts() const;
  // False when it did not come to hold within the time.
  bool WaitUntil(const std::function<bool(const SimWorkerCounts&)>& holds, double seconds) const;

 private:
  class Connection;
  struct Shared;
  std::unique_ptr<Shared> shared_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace fusor::bench
