// What the coordinator's core alone costs, on one thread, without store or network:
// core-bench [TRIALS]. Instant trials on 100 workers x 8 slots; the submission of a million cells;
// many sweeps and classes on 1,000 workers.

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "coordinator/core/core.h"

namespace fusor {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Axis IntAxis(const std::string& name, int values) {
  Axis axis{.name = name};
  for (int i = 0; i < values; ++i) axis.values.emplace_back(std::int64_t{i});
  return axis;
}

SweepSpec GridSweep(std::vector<Axis> axes) {
  StageSpec stage{.name = "t", .recipe = "probe"};
  const Recipe* recipe = FindRecipe("probe");
  for (const Param& param : recipe->params) stage.params[param.name] = param.default_value;
  axes.insert(axes.begin(), IntAxis("seed", 1));
  axes[0].kind = AxisKind::kSeed;
  for (const Axis& axis : axes) stage.params.erase(axis.name);
  stage.axes = std::move(axes);
  for (std::size_t a = 0; a < stage.axes.size(); ++a) {
    Dimension dimension{.axes = {a}};
    for (std::uint32_t row = 0; row < stage.axes[a].values.size(); ++row) {
      dimension.rows.push_back({row});
    }
    stage.dimensions.push_back(std::move(dimension));
  }
  SweepSpec spec{.name = "bench", .stages = {stage}};
  spec.objective.metric = "loss";
  return spec;
}

// Workers that end every trial at once.
class World {
 public:
  World(int workers, int slots)
      : core_(std::make_unique<Core>(CoreOptions{.cluster_id = "c",
                                                 .lease_length = limits::kLeaseLength,
                                                 .heartbeat_every = limits::kHeartbeatEvery,
                                                 .start_deadline = limits::kStartDeadline})) {
    Effects effects;
    for (int w = 1; w <= workers; ++w) {
      const SessionId session{static_cast<std::uint64_t>(w)};
      HelloMessage hello;
      hello.info = {
          .uid = "u" + std::to_string(w), .incarnation = 1, .name = "n" + std::to_string(w)};
      for (int s = 0; s < slots; ++s) {
        hello.info.slots.push_back({.index = static_cast<std::uint32_t>(s), .cpus = 2});
      }
      hello.info.precisions = {"fp32", "bf16"};
      core_->Apply(Event(StreamOpened{session}), now_, effects);
      core_->Apply(Event(MessageArrived{session, std::move(hello)}), now_, effects);
    }
  }

  void Submit(const SweepSpec& spec) {
    Effects effects;
    core_->Apply(Event(SubmitSweep{
                     Request{CallId{1}, "", ""}, std::make_shared<const SweepSpec>(spec), "", {}}),
                 now_, effects);
    core_->Schedule(now_, effects);
    Take(effects);
  }

  // Turns of at most `per_turn` ended trials until none runs. How many ended.
  std::uint64_t Run(std::size_t per_turn, std::uint64_t at_most) {
    std::uint64_t ended = 0;
    while (!running_.empty() && ended < at_most) {
      std::vector<Event> events;
      for (std::size_t i = 0; i < per_turn && !running_.empty(); ++i) {
        events.push_back(EndOf(running_.front()));
        running_.pop_front();
      }
      now_ += Duration(1);
      const auto start = Clock::now();
      Effects effects;
      for (const Event& event : events) core_->Apply(event, now_, effects);
      core_->Schedule(now_, effects);
      busy_ += SecondsSince(start);
      writes_ += effects.writes.size();
      ended += events.size();
      Take(effects);
    }
    return ended;
  }

  void Apply(const Event& event) {
    Effects effects;
    core_->Apply(event, now_, effects);
    core_->Schedule(now_, effects);
  }

  double busy_seconds() const { return busy_; }
  std::uint64_t writes() const { return writes_; }
  Core& core() { return *core_; }

 private:
  void Take(const Effects& effects) {
    for (const Send& send : effects.sends) {
      const auto* to_worker = std::get_if<SendToWorker>(&send);
      if (to_worker == nullptr) continue;
      if (const auto* start = std::get_if<StartMessage>(&to_worker->message)) {
        running_.emplace_back(to_worker->session, start->attempt);
      }
    }
  }

  static Event EndOf(const std::pair<SessionId, AttemptId>& running) {
    FactsStored stored{.session = running.first, .attempt = running.second, .number = 2};
    EvaluationFact evaluation{.step = 1, .values = {{"loss", 0.5}}};
    stored.core_facts.push_back({1, std::move(evaluation)});
    stored.core_facts.push_back({2, FinalFact{.step = 1}});
    return stored;
  }

  std::unique_ptr<Core> core_;
  Time now_ = FromUnixMillis(1'700'000'000'000);
  std::deque<std::pair<SessionId, AttemptId>> running_;
  double busy_ = 0;
  std::uint64_t writes_ = 0;
};

void InstantTrials(std::uint64_t trials) {
  for (const std::size_t per_turn : {8, 256}) {
    World world(100, 8);
    world.Submit(GridSweep({IntAxis("x", static_cast<int>(trials / 10)), IntAxis("y", 10)}));
    const std::uint64_t ended = world.Run(per_turn, trials);
    std::printf("instant trials, 100 x 8 slots, %zu a turn: %.0f a second (%.2f us, %.1f writes)\n",
                per_turn, static_cast<double>(ended) / world.busy_seconds(),
                world.busy_seconds() / static_cast<double>(ended) * 1e6,
                static_cast<double>(world.writes()) / static_cast<double>(ended));
  }
}

void SubmitMillion() {
  SweepSpec spec = GridSweep({IntAxis("a", 100), IntAxis("b", 100), IntAxis("c", 100)});
  spec.stages[0].excludes.push_back({.terms = {{1, {3, 4}}, {2, {5}}}, .text = "a, b"});
  spec.stages[0].excludes.push_back({.terms = {{3, {7}}}, .text = "c"});
  World world(1, 1);
  const auto start = Clock::now();
  world.Submit(spec);
  std::printf("submit a million cells with excludes: %.2f ms\n", SecondsSince(start) * 1e3);
}

// Resident memory of this process.
double ResidentMib() {
  std::ifstream in("/proc/self/statm");
  double total = 0;
  double resident = 0;
  in >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

void LiveMillion() {
  const double before = ResidentMib();
  World world(1'250, 8);
  world.Submit(GridSweep({IntAxis("a", 1'000), IntAxis("b", 1'000)}));
  std::printf("a million cells, 10,000 of them live: %.0f MiB\n", ResidentMib() - before);
  const auto start = Clock::now();
  world.Apply(CancelSweep{Request{CallId{2}, "", ""}, SweepId{1}, "bench"});
  std::printf("cancel it: %.1f ms\n", SecondsSince(start) * 1e3);
}

// One input whose success makes a million trials ready, and whose failure would skip them.
void WideNeed() {
  SweepSpec spec = GridSweep({IntAxis("a", 1)});
  spec.stages.push_back(GridSweep({IntAxis("x", 1'000), IntAxis("y", 1'000)}).stages[0]);
  spec.stages[1].name = "wide";
  spec.stages[1].needs.push_back({.stage = 0, .match = {{0, 0}}, .collect = {1}});
  World world(100, 8);
  world.Submit(spec);
  const auto start = Clock::now();
  world.Run(1, 1);
  std::printf("one success makes a million trials ready: %.1f ms\n", SecondsSince(start) * 1e3);
  const double before = world.busy_seconds();
  const std::uint64_t ended = world.Run(256, 100'000);
  std::printf("and they cost %.2f us each\n",
              (world.busy_seconds() - before) / static_cast<double>(ended) * 1e6);
}

void ManySweeps() {
  World world(1000, 8);
  for (int sweep = 0; sweep < 1000; ++sweep) {
    SweepSpec spec = GridSweep({IntAxis("x", 100)});
    Axis precision{.name = "precision", .role = ParamRole::kPrecision};
    for (const char* name : {"fp32", "bf16", "fp16", "tf32"}) precision.values.emplace_back(name);
    spec = GridSweep({precision, IntAxis("x", 100)});
    spec.priority = spec.stages[0].priority = 1 + sweep % 50;
    world.Submit(spec);
  }
  const double before = world.busy_seconds();
  const std::uint64_t ended = world.Run(256, 100'000);
  std::printf("1,000 sweeps of 4 classes on 1,000 x 8 slots: %.2f us a trial\n",
              (world.busy_seconds() - before) / static_cast<double>(ended) * 1e6);
}

}  // namespace
}  // namespace fusor

int main(int argc, char** argv) {
  const std::uint64_t trials = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100'000;
  fusor::InstantTrials(trials);
  fusor::SubmitMillion();
  fusor::LiveMillion();
  fusor::WideNeed();
  fusor::ManySweeps();
  return 0;
}
