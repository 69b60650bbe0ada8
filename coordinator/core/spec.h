#pragma once

// A validated sweep as plain data. spec/ builds it from YAML; the core, the store's readers and the
// server only read it. Expansion into trials is lazy: see grid.h.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/outcome.h"
#include "common/base/time.h"
#include "common/recipe/recipe.h"
#include "common/recipe/value.h"

namespace fusor {

enum class AxisKind : std::uint8_t {
  kParam,    // a parameter of the recipe
  kSeed,     // the parameter `seed`; always the slowest dimension, so that `extend` keeps old cells
  kGpuType,  // placement only: the short form of the device's name
};

struct Axis {
  std::string name;
  AxisKind kind = AxisKind::kParam;
  ParamRole role = ParamRole::kPlain;
  std::vector<Value> values;
};

// Axes that move together: one for a plain axis, several for `zip` and `cells`.
// rows[r][k] is an index into axes[axes[k]].values.
// A plain axis' rows are 0, 1, 2, ...
struct Dimension {
  std::vector<std::size_t> axes;
  std::vector<std::vector<std::uint32_t>> rows;
};

// A cell is excluded when every listed axis has one of the listed values. A term without values
// (the axis does not have them) matches nothing.
struct Exclude {
  struct Term {
    std::size_t axis = 0;
    std::vector<std::uint32_t> values;  // sorted indexes into the axis' values
  };
  std::vector<Term> terms;
  std::string text;  // the rule as the user wrote it, for `plan`
};

enum class DeviceKind : std::uint8_t { kCpu, kGpu, kAny };
enum class Spread : std::uint8_t { kOneWorker, kAny };

struct Resources {
  DeviceKind device = DeviceKind::kAny;
  int slots = 1;
  int per_worker = 0;  // exactly so many slots on each worker; 0 = no rule
  Spread spread = Spread::kOneWorker;
  int cpus = 0;  // per slot, as memory and disk; 0 = no demand
  double device_memory_gib = 0;
  double memory_gib = 0;
  double disk_gib = 0;
  std::map<std::string, std::string> labels;
};

struct Retry {
  int crashes = 2;
  int lost_workers = 5;
  Duration lost_after = std::chrono::minutes(2);
  std::map<Failure, int> also;  // further failures to try again, each with its own limit
};

struct CheckpointPolicy {
  std::int64_t every_steps = 0;  // 0 = the recipe's own rhythm
  Duration every{0};
  int keep = 2;
};

enum class StageFailure : std::uint8_t { kSkipDependents, kCancel };

struct FailurePolicy {
  StageFailure stage = StageFailure::kSkipDependents;
  double max_failed = 1.0;  // the stage has failed when more than this share of its trials failed
};

// Which trials of `stage` a trial takes as inputs: those whose matched axes are equal, in the order
// of the collected axes (last fastest).
struct Need {
  std::uint32_t stage = 0;
  std::vector<std::pair<std::size_t, std::size_t>> match;  // (axis here, axis there)
  std::vector<std::size_t> collect;                        // axes there
  bool best = true;                                        // take: best | last
};

// What the mean over the seeds of each of a stage's cells should be.
struct Expectation {
  enum class Comparison : std::uint8_t { kAtLeast, kAbove, kAtMost, kBelow };

  std::string metric;
  Comparison comparison = Comparison::kAtLeast;
  double bound = 0;
  std::string text;  // as it was written: ">= 0.8"

  bool IsMetBy(double value) const {
    switch (comparison) {
      case Comparison::kAtLeast:
        return value >= bound;
      case Comparison::kAbove:
        return value > bound;
      case Comparison::kAtMost:
        return value <= bound;
      case Comparison::kBelow:
        return value < bound;
    }
    return false;
  }
};

struct StageSpec {
  std::string name;
  std::string recipe;
  int recipe_version = 1;
  std::vector<Axis> axes;             // as declared; the seed axis first
  std::vector<Dimension> dimensions;  // the last one is the fastest; the seed's is the first
  std::vector<Exclude> excludes;
  // `random:` the drawn positions within one seed's block, sorted; absent = the whole grid.
  std::optional<std::vector<std::uint64_t>> drawn;
  bool own_seeds = false;   // sets `seeds` itself: not matched implicitly, not extended
  bool seeds_given = true;  // false: nobody wrote `seeds`, the one seed is the recipe's default
  ParamValues params;       // every parameter that is no axis, defaults filled in
  std::vector<Need> needs;
  Resources resources;
  std::map<std::string, std::string> precision_fallback;  // the sweep's
  Retry retry;
  CheckpointPolicy checkpoint;
  Duration time_limit{0};  // running time of one trial over all its attempts; 0 = none
  Duration hang_timeout = std::chrono::minutes(10);
  int priority = 50;
  std::vector<Expectation> expect;
};

struct Objective {
  std::string metric = "val/accuracy";
  bool maximize = true;
};

struct SweepSpec {
  std::string name;
  std::vector<StageSpec> stages;  // a stage comes after all it needs
  Objective objective;
  FailurePolicy on_failure;
  std::map<std::string, std::string> precision_fallback;
  int max_running = 0;  // 0 = no limit
  int priority = 50;    // 1-99, higher first
  std::vector<std::string> report_columns;
};

}  // namespace fusor
