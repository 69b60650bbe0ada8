#pragma once

// One task's facts on their way: numbers them, keeps the unsent ones that fit in memory, knows what
// is sent, synced and acknowledged. What does not fit is read back from the spool.
//
//   acknowledged <= sent <= loaded <= last;  memory holds exactly the numbers sent+1 .. loaded.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "common/base/session.h"

namespace fusor::agent {

inline constexpr std::uint64_t kLoadedBytesMax = 512 << 10;  // per task

// About what the fact takes on the wire.
std::uint64_t ApproximateBytes(const FactBody& body);

// Checkpoint facts are sent only when they outlive a power cut; those behind them wait.
bool WaitsForSync(const FactBody& body);

class FactQueue {
 public:
  FactQueue() = default;
  FactQueue(std::uint64_t acknowledged, std::uint64_t last)
      : acknowledged_(acknowledged), sent_(acknowledged), loaded_(acknowledged), last_(last) {}

  // Gives the body the next number. Kept in memory too when `connected` and there is room.
  Fact Append(FactBody body, bool connected);

  // The next facts to send that together fit in `bytes_max`; they are then in flight.
  std::vector<Fact> Take(std::uint64_t bytes_max);
  // The next one, whatever its size, if it may be sent.
  std::vector<Fact> TakeOne();

  // False when the number is one that was never used.
  bool Acknowledge(std::uint64_t number);

  // The link is gone: everything not acknowledged is to be sent again.
  void Rewind();

  // Must the spool be read before more can be sent? Then from NextToLoad() on.
  bool WantsLoad() const { return !loading_ && sent_ == loaded_ && loaded_ < last_; }
  std::uint64_t NextToLoad() const { return loaded_ + 1; }
  void LoadAsked() { loading_ = true; }
  void Loaded(std::vector<Fact> facts);

  void Synced(std::uint64_t number) { synced_ = std::max(synced_, number); }
  bool NeedsSync() const { return synced_ < last_; }

  std::uint64_t last() const { return last_; }
  std::uint64_t acknowledged() const { return acknowledged_; }
  std::uint64_t bytes_in_flight() const { return bytes_in_flight_; }
  bool AllAcknowledged() const { return acknowledged_ == last_; }

 private:
  // May the first unsent fact be sent?
  bool Ready() const;
  Fact TakeFront();

  std::uint64_t acknowledged_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t loaded_ = 0;
  std::uint64_t last_ = 0;
  std::uint64_t synced_ = 0;
  bool loading_ = false;

  std::deque<Fact> unsent_;
  std::uint64_t unsent_bytes_ = 0;
  std::deque<std::pair<std::uint64_t, std::uint64_t>> in_flight_;  // number, bytes
  std::uint64_t bytes_in_flight_ = 0;
};

}  // namespace fusor::agent
