#pragma once

// What TrialService.WatchLogs and WatchMetrics send.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "coordinator/server/edge.h"
#include "coordinator/server/lookup.h"
#include "coordinator/server/watch_stream.h"
#include "fusor/v1/trial_service.pb.h"

namespace fusor {

class LogWatch final : public WatchSource<v1::WatchLogsResponse> {
 public:
  LogWatch(const Edge& edge, const v1::WatchLogsRequest& request)
      : edge_(edge), request_(request), cursor_(request.cursor()) {}

  Result<WatchNews> Next(const WatchRound& round, v1::WatchLogsResponse& response) override;

 private:
  Status Resolve();
  // How many of the rows went into the message.
  Result<std::size_t> AddLines(const std::vector<LogRow>& rows, v1::WatchLogsResponse& response);
  // Nothing more will be written: the trial, or every trial of the sweep, is terminal.
  Result<bool> Over();

  const Edge& edge_;
  const v1::WatchLogsRequest request_;
  std::uint64_t cursor_;
  std::optional<LogScope> scope_;
  std::shared_ptr<const SweepModel> model_;
  std::map<std::uint64_t, std::uint32_t> numbers_;  // of attempts seen
  std::uint64_t read_at_ = 0;                       // what metrics.db had then was all sent
  bool read_once_ = false;
};

class MetricsWatch final : public WatchSource<v1::WatchMetricsResponse> {
 public:
  MetricsWatch(const Edge& edge, const v1::WatchMetricsRequest& request)
      : edge_(edge), request_(request) {}

  Result<WatchNews> Next(const WatchRound& round, v1::WatchMetricsResponse& response) override;

 private:
  // What one look at the files found, on its way out in as many messages as it takes.
  struct Batch {
    std::vector<PointColumns> columns;
    std::size_t column = 0;  // the next point to go out
    std::size_t point = 0;
    std::uint64_t cursor = 0;  // behind it
    bool resync = false;
    bool last = false;  // the trial is over and this is all of it
  };

  Status Resolve();
  Result<bool> Over();
  // False when nothing has come.
  Result<bool> Look(const WatchRound& round);
  WatchNews Send(v1::WatchMetricsResponse& response);

  const Edge& edge_;
  const v1::WatchMetricsRequest request_;
  std::optional<ResolvedTrial> trial_;
  std::optional<PointCursor> cursor_;
  std::map<AttemptId, std::uint32_t> numbers_;
  std::optional<Batch> batch_;
  std::uint64_t sent_cursor_ = 0;  // behind what went out as a whole
  std::uint64_t read_at_ = 0;
  bool read_once_ = false;
};

}  // namespace fusor
