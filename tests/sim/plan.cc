#include "tests/sim/plan.h"

#include <algorithm>

namespace fusor::sim {

namespace {

// Zero in two worlds of three; else up to `top`.
double Rate(Random& random, double top) {
  const bool present = random.Below(3) == 0;
  const double size = random.Unit();
  return present ? size * top : 0;
}

Faults DrawFaults(Random& random) {
  Faults faults;
  faults.stream_breaks = Rate(random, 0.02);
  faults.message_twice = Rate(random, 0.05);
  faults.coordinator_dies = Rate(random, 0.02);
  faults.commit_fails = Rate(random, 0.05);
  faults.agent_dies = Rate(random, 0.02);
  faults.agent_stops = Rate(random, 0.02);
  faults.partition = Rate(random, 0.02);
  faults.upload_fails = Rate(random, 0.3);
  faults.trial_faults = Rate(random, 0.3);
  faults.template_dies = Rate(random, 0.1);
  faults.spool_loses_tail = Rate(random, 1.0);
  faults.person_acts = Rate(random, 0.1);
  faults.message_delay_max = Duration(1 + static_cast<std::int64_t>(random.Below(200)));
  return faults;
}

WorkerInfo DrawWorker(Random& random, int index) {
  WorkerInfo info;
  info.uid = "w" + std::to_string(index);
  info.name = "n" + std::to_string(index);
  info.version = "sim";
  info.precisions = {"fp32"};
  // The first worker can run everything, so that every sweep can end.
  const bool bf16 = random.Chance(0.7);
  if (bf16 || index == 0) info.precisions.push_back("bf16");
  const std::uint64_t drawn = 1 + random.Below(4);
  const std::uint64_t slots = index == 0 ? std::max<std::uint64_t>(drawn, 2) : drawn;
  for (std::uint64_t i = 0; i < slots; ++i) {
    info.slots.push_back(
        {.index = static_cast<std::uint32_t>(i), .cpus = 1, .memory_gib = 4, .disk_gib = 10});
  }
  if (random.Chance(0.5)) info.labels["rack"] = "a";
  return info;
}

Axis IntAxis(const std::string& name, std::uint64_t count) {
  Axis axis{.name = name, .values = {}};
  for (std::uint64_t i = 0; i < count; ++i) axis.values.emplace_back(static_cast<std::int64_t>(i));
  return axis;
}

void AddAxis(StageSpec& stage, Axis axis) {
  Dimension dimension{.axes = {stage.axes.size()}, .rows = {}};
  for (std::uint32_t i = 0; i < axis.values.size(); ++i) dimension.rows.push_back({i});
  stage.axes.push_back(std::move(axis));
  stage.dimensions.push_back(std::move(dimension));
}

StageSpec DrawStage(Random& random, int index, std::uint64_t seeds) {
  StageSpec stage;
  stage.name = "s" + std::to_string(index);
  stage.recipe = "probe";
  Axis seed = IntAxis("seed", seeds);
  seed.kind = AxisKind::kSeed;
  seed.role = ParamRole::kSeed;
  AddAxis(stage, std::move(seed));
  const std::uint64_t models = 1 + random.Below(3);
  AddAxis(stage, IntAxis("expert", models));
  if (random.Chance(0.3)) {
    Axis precision{.name = "precision", .role = ParamRole::kPrecision, .values = {}};
    precision.values.emplace_back(std::string("fp32"));
    precision.values.emplace_back(std::string("bf16"));
    AddAxis(stage, std::move(precision));
  }
  if (random.Chance(0.2)) {
    const auto excluded = static_cast<std::uint32_t>(random.Below(models));
    if (models > 1)
      stage.excludes.push_back({.terms = {{.axis = 1, .values = {excluded}}}, .text = "x"});
  }
  if (random.Chance(0.25)) {
    stage.resources.slots = 2;
    stage.resources.spread = random.Chance(0.5) ? Spread::kAny : Spread::kOneWorker;
  }
  stage.retry.crashes = static_cast<int>(random.Below(4));
  stage.retry.lost_workers = static_cast<int>(3 + random.Below(20));
  stage.retry.lost_after = Duration(1000 * (1 + static_cast<std::int64_t>(random.Below(60))));
  if (random.Chance(0.3)) stage.retry.also[Failure::kOutOfMemoryHost] = 1;
  stage.checkpoint.keep = static_cast<int>(1 + random.Below(2));
  stage.hang_timeout = Duration(20'000);
  if (random.Chance(0.1)) stage.time_limit = Duration(60'000);
  return stage;
}

std::shared_ptr<const SweepSpec> DrawSweep(Random& random, int index) {
  auto sweep = std::make_shared<SweepSpec>();
  sweep->name = "sweep" + std::to_string(index);
  const std::uint64_t seeds = 1 + random.Below(3);
  const std::uint64_t stages = 1 + random.Below(3);
  for (std::uint64_t i = 0; i < stages; ++i) {
    StageSpec stage = DrawStage(random, static_cast<int>(i), seeds);
    if (i > 0 && random.Chance(0.8)) {
      Need need{.stage = static_cast<std::uint32_t>(random.Below(i)),
                .match = {{0, 0}},
                .collect = {},
                .best = random.Chance(0.5)};
      for (std::size_t axis = 1; axis < sweep->stages[need.stage].axes.size(); ++axis) {
        need.collect.push_back(axis);
      }
      stage.needs.push_back(std::move(need));
    }
    sweep->stages.push_back(std::move(stage));
  }
  sweep->objective = {.metric = "val/loss", .maximize = false};
  if (random.Chance(0.3)) sweep->max_running = static_cast<int>(1 + random.Below(4));
  sweep->priority = static_cast<int>(49 + random.Below(3));
  if (random.Chance(0.3)) sweep->on_failure.stage = StageFailure::kCancel;
  if (random.Chance(0.3)) sweep->on_failure.max_failed = 0.3;
  return sweep;
}

std::uint64_t KeyHash(const TrialKey& trial) {
  return Mix(Mix(trial.sweep.value, trial.stage), trial.cell);
}

}  // namespace

WorldPlan DrawWorld(std::uint64_t seed) {
  Random random(seed);
  WorldPlan world;
  world.seed = seed;
  world.faults = DrawFaults(random);
  const std::uint64_t workers = 1 + random.Below(4);
  for (std::uint64_t i = 0; i < workers; ++i) {
    world.workers.push_back(DrawWorker(random, static_cast<int>(i)));
  }
  const std::uint64_t sweeps = 1 + random.Below(3);
  for (std::uint64_t i = 0; i < sweeps; ++i) {
    world.sweeps.push_back(DrawSweep(random, static_cast<int>(i)));
    world.submit_at.push_back(Duration(static_cast<std::int64_t>(random.Below(20'000))));
  }
  world.fault_phase = Duration(30'000 + static_cast<std::int64_t>(random.Below(60'000)));
  return world;
}

TrialPlan PlanOf(const WorldPlan& world, const TrialKey& trial, std::uint32_t attempt_number) {
  Random shape(Mix(world.seed, KeyHash(trial)));
  TrialPlan plan;
  plan.steps = static_cast<std::int64_t>(shape.Below(12));
  plan.step_time = Duration(20 + static_cast<std::int64_t>(shape.Below(900)));
  plan.checkpoint_every = static_cast<std::int64_t>(1 + shape.Below(4));
  Random attempt(Mix(Mix(world.seed, KeyHash(trial)), attempt_number));
  if (attempt.Chance(world.faults.trial_faults)) {
    plan.fault = static_cast<TrialFault>(1 + attempt.Below(6));
    plan.fault_step =
        static_cast<std::int64_t>(attempt.Below(static_cast<std::uint64_t>(plan.steps) + 1));
  }
  return plan;
}

double MetricAt(const WorldPlan& world, const TrialKey& trial, std::int64_t step) {
  const std::uint64_t draw =
      Mix(Mix(world.seed, KeyHash(trial)), static_cast<std::uint64_t>(step) + 77);
  return static_cast<double>(draw >> 40);
}

std::uint64_t StateAfter(const WorldPlan& world, const TrialKey& trial, std::uint64_t state,
                         std::int64_t step) {
  return Mix(state ^ Mix(world.seed, KeyHash(trial)), static_cast<std::uint64_t>(step));
}

std::uint64_t FinalState(const WorldPlan& world, const TrialKey& trial) {
  std::uint64_t state = 1;
  const std::int64_t steps = PlanOf(world, trial, 0).steps;
  for (std::int64_t step = 1; step <= steps; ++step) state = StateAfter(world, trial, state, step);
  return state;
}

}  // namespace fusor::sim
