#pragma once

// What SweepService.Watch sends: events behind the reader's place, and each second the sweep as it
// stands, what runs, and how its slots are used.

#include <chrono>
#include <optional>
#include <string>

#include "coordinator/server/edge.h"
#include "coordinator/server/sweep_status.h"
#include "coordinator/server/watch_stream.h"
#include "fusor/v1/sweep_service.pb.h"

namespace fusor {

class SweepWatch final : public WatchSource<v1::WatchSweepResponse> {
 public:
  SweepWatch(const Edge& edge, SweepStatusReader& statuses, const v1::WatchSweepRequest& request)
      : edge_(edge),
        statuses_(statuses),
        sweep_(SweepId{request.sweep()}),
        place_(EventId{request.after_event()}) {}

  Result<WatchNews> Next(const WatchRound& round, v1::WatchSweepResponse& response) override;

 private:
  // Empty when its sweep is gone.
  std::string NameOf(const TrialKey& trial);
  // True when something was added. Sets `moved` when the sweep itself changed.
  Result<bool> AddEvents(const WatchRound& round, v1::WatchSweepResponse& response, bool& moved);
  Status AddStatus(v1::WatchSweepResponse& response);
  Status AddRunning(const std::vector<PutAttempt>& attempts, const SweepModel& model,
                    v1::WatchSweepResponse& response);

  const Edge& edge_;
  SweepStatusReader& statuses_;
  const SweepId sweep_;  // 0 = all
  EventId place_;
  bool live_ = false;  // it has caught up with the present once
  bool checked_ = false;
  std::chrono::steady_clock::time_point told_{};
};

}  // namespace fusor
