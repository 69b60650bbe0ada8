#pragma once

// Between plain values and the messages that several services share.

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <optional>
#include <string>
#include <string_view>

#include "common/base/time.h"
#include "coordinator/core/state.h"
#include "coordinator/core/write.h"
#include "coordinator/server/spec_cache.h"
#include "fusor/v1/common.pb.h"

namespace fusor {

google::protobuf::Timestamp ToWire(Time time);
Time FromWire(const google::protobuf::Timestamp& time);
google::protobuf::Duration DurationToWire(std::int64_t millis);

v1::TrialRef ToWire(const TrialKey& trial);
v1::TrialState ToWire(TrialState state);
v1::SweepState ToWire(SweepState state);
std::optional<TrialState> FromWire(v1::TrialState state);
std::optional<SweepState> FromWire(v1::SweepState state);

v1::Event ToWire(const PutEvent& event);
// `model` is of the artifact's sweep.
v1::Artifact ToWire(const PutArtifact& artifact, const SweepModel& model);

// Where the artifact goes in a tree for people: STAGE/TRIAL-NAME/kind-step/name, safe as a path.
std::string ArtifactPath(const PutArtifact& artifact, const SweepModel& model);

// The text with every byte that is no UTF-8 replaced: a string field holds nothing else.
std::string Utf8(std::string_view text);

// The code that goes with a value; unspecified when it is finite.
v1::Nonfinite NonfiniteOf(double value);

}  // namespace fusor
