#pragma once

// What a name in axes, cells or exclude stands for.

#include <optional>
#include <string>

#include "common/base/status.h"
#include "coordinator/spec/problem.h"
#include "coordinator/spec/stage_draft.h"

namespace fusor {

struct AxisTarget {
  AxisKind kind = AxisKind::kParam;
  const Param* param = nullptr;  // nullptr for gpu_type
};

// The axis that the entry's key stands for; it is the stage's from here on. Nothing, and a problem,
// when it cannot be: no such parameter, reserved, or taken already.
std::optional<AxisTarget> ClaimAxis(const YamlEntry& entry, const std::string& path,
                                    Problems& problems, StageDraft& draft);

// A new axis without values; its index.
std::size_t AddAxis(const std::string& name, const AxisTarget& target, StageSpec& stage);

// One value of such an axis.
Result<Value> ReadAxisValue(const AxisTarget& target, const YamlNode& node);

// What an axis of the stage stands for.
AxisTarget TargetOfAxis(const StageDraft& draft, std::size_t axis);

// The values of `seeds:`; nothing, and a problem, when it is
// no list of different seeds.
std::optional<std::vector<Value>> ReadSeeds(const YamlNode& node, const std::string& path,
                                            Problems& problems);

}  // namespace fusor
