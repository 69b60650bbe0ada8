#pragma once

// Wire values as the words and types that output uses.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/format/json.h"
#include "client/format/look.h"
#include "common/base/time.h"
#include "fusor/v1/common.pb.h"
#include "fusor/v1/sweep_service.pb.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace fusor::client {

// kNever when unset (0).
Time FromProto(const google::protobuf::Timestamp& time);
Duration FromProto(const google::protobuf::Duration& duration);
google::protobuf::Timestamp ToProto(Time time);

std::string_view StateName(v1::TrialState state);
std::string_view StateName(v1::SweepState state);
std::optional<v1::TrialState> TrialStateFromName(std::string_view name);
std::vector<std::string> TrialStateNames();
Style StyleOf(v1::TrialState state);
Style StyleOf(v1::SweepState state);

bool IsOver(v1::SweepState state);

// Null for kNever.
Json TimeJson(Time time);
// Seconds with a fraction.
Json SecondsJson(Duration duration);

// "7.experts.3"; the stage by its number if the sweep does not have it.
std::string TrialIdText(const v1::TrialRef& ref, const v1::Sweep& sweep);

// The trials behind a row of results.
std::vector<std::string> TrialIds(const v1::ResultTable& table, const v1::ResultRow& row);

// Artifacts are written a12 so that no number means two things.
std::string ArtifactIdText(std::uint64_t id);

// How many trials stand where.
struct Counts {
  std::uint64_t blocked = 0;
  std::uint64_t ready = 0;
  std::uint64_t running = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  std::uint64_t canceled = 0;
  std::uint64_t skipped = 0;

  std::uint64_t waiting() const { return blocked + ready; }
  std::uint64_t done() const { return succeeded + failed + canceled + skipped; }
  std::uint64_t total() const { return waiting() + running + done(); }
  // 0 for none.
  double fraction() const;
};
Counts CountsOf(const google::protobuf::RepeatedPtrField<v1::StateCount>& counts);
Json CountsJson(const Counts& counts);

// "9 done, 2 running, 5 waiting, 1 failed": what is zero is left out.
std::string CountsText(const Counts& counts, const Look& look);

}  // namespace fusor::client
