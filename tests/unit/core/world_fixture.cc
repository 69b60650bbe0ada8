#include "tests/unit/core/world_fixture.h"

#include <algorithm>
#include <numeric>

namespace fusor {

namespace {

Dimension PlainDimension(std::size_t axis, std::size_t values) {
  Dimension dimension{.axes = {axis}};
  for (std::uint32_t row = 0; row < values; ++row) dimension.rows.push_back({row});
  return dimension;
}

}  // namespace

Axis IntAxis(const std::string& name, int values) {
  Axis axis{.name = name};
  for (int i = 0; i < values; ++i) axis.values.emplace_back(std::int64_t{i});
  return axis;
}

Axis TextAxis(const std::string& name, const std::vector<std::string>& values, ParamRole role) {
  Axis axis{.name = name, .role = role};
  for (const std::string& value : values) axis.values.emplace_back(value);
  return axis;
}

Axis GpuTypeAxis(const std::vector<std::string>& types) {
  Axis axis = TextAxis("gpu_type", types);
  axis.kind = AxisKind::kGpuType;
  return axis;
}

StageSpec StageOf(const std::string& name, const std::vector<Axis>& axes, int seeds) {
  StageSpec stage{.name = name, .recipe = "probe"};
  stage.axes.push_back(IntAxis("seed", seeds));
  stage.axes[0].kind = AxisKind::kSeed;
  stage.axes[0].role = ParamRole::kSeed;
  stage.axes.insert(stage.axes.end(), axes.begin(), axes.end());
  for (std::size_t axis = 0; axis < stage.axes.size(); ++axis) {
    stage.dimensions.push_back(PlainDimension(axis, stage.axes[axis].values.size()));
  }
  return stage;
}

SweepSpec SweepOf(int trials) { return SweepOf({StageOf("t", {IntAxis("x", trials)})}); }

SweepSpec SweepOf(std::vector<StageSpec> stages) {
  SweepSpec spec{.name = "sweep"};
  spec.stages = std::move(stages);
  return spec;
}

WorkerInfo CpuWorker(const std::string& name, int slots) {
  WorkerInfo info{.uid = "uid-" + name, .incarnation = 1, .name = name};
  for (int i = 0; i < slots; ++i) {
    info.slots.push_back(
        {.index = static_cast<std::uint32_t>(i), .cpus = 2, .memory_gib = 8, .disk_gib = 100});
  }
  info.precisions = {"fp32", "bf16"};
  return info;
}

WorkerInfo GpuWorker(const std::string& name, int slots, const std::string& type) {
  WorkerInfo info = CpuWorker(name, slots);
  for (SlotInfo& slot : info.slots) {
    slot.gpu = true;
    slot.gpu_type = type;
    slot.device_name = "NVIDIA " + type;
    slot.device_uuid = "GPU-" + name + std::to_string(slot.index);
    slot.device_memory_gib = 80;
  }
  info.precisions = {"fp32", "bf16", "fp16"};
  return info;
}

Outcome Crashed(int signal) {
  return {OutcomeKind::kFailed, Failure::kCrashedSignal, signal, "segmentation fault"};
}

Outcome FailedWith(Failure failure) { return {OutcomeKind::kFailed, failure, 0, "as told"}; }

// --- Tables
// ---------------------------------------------------------------------------------------

namespace {

struct Keeper {
  Tables& tables;

  void operator()(const PutSweep& row) { tables.sweeps[row.id] = row; }
  void operator()(const RemoveSweep& row) {
    tables.sweeps.erase(row.id);
    std::erase_if(tables.trials, [&](const auto& e) { return e.first.sweep == row.id; });
    std::erase_if(tables.attempts, [&](const auto& e) { return e.second.trial.sweep == row.id; });
    std::erase_if(tables.artifacts, [&](const auto& e) { return e.second.trial.sweep == row.id; });
  }
  void operator()(const PutTrial& row) { tables.trials[row.key] = row; }
  void operator()(const PutAttempt& row) { tables.attempts[row.id] = row; }
  void operator()(const PutCursor& row) { tables.cursors[{row.attempt, row.rank}] = row.number; }
  void operator()(const PutEvaluation& row) { tables.evaluations.push_back(row); }
  void operator()(const PutArtifact& row) {
    tables.artifacts[row.id] = row;
    tables.last_artifact = std::max(tables.last_artifact, row.id);
  }
  void operator()(const RemoveArtifact& row) {
    EXPECT_EQ(tables.artifacts.erase(row.id), 1u) << "no artifact " << row.id.value;
  }
  void operator()(const PutWorker& row) { tables.workers[row.id] = row; }
  void operator()(const PutEvent& row) {
    const std::uint64_t last = tables.events.empty() ? 0 : tables.events.back().id.value;
    EXPECT_EQ(row.id.value, last + 1);
    tables.events.push_back(row);
  }
  void operator()(const PutRequest& row) { tables.requests[row.request_id] = row; }
};

}  // namespace

void Tables::Commit(const std::vector<Write>& writes) {
  for (const Write& write : writes) std::visit(Keeper{*this}, write);
}

bool Tables::Counts(const PutEvaluation& row) const {
  return std::none_of(attempts.begin(), attempts.end(), [&](const auto& entry) {
    const PutAttempt& later = entry.second;
    return later.trial == row.trial && later.id > row.attempt && later.started != kNever &&
           later.resumed_from_step < row.step;
  });
}

Snapshot Tables::Load() const {
  Snapshot snapshot;
  for (const auto& [id, row] : sweeps) {
    Snapshot::Sweep sweep{.row = row, .spec = specs.at(id)};
    for (const auto& [key, trial] : trials) {
      if (key.sweep == id && IsTerminal(trial.state)) {
        sweep.terminal.push_back({key.stage, key.cell, trial.state});
      }
    }
    snapshot.sweeps.push_back(std::move(sweep));
  }
  for (const auto& [key, row] : trials) {
    if (row.state != TrialState::kSucceeded) snapshot.live_trials.push_back(row);
  }
  for (const auto& [id, row] : attempts) {
    snapshot.last_attempt = id;
    if (row.state == AttemptState::kGranted || row.state == AttemptState::kRunning) {
      snapshot.live_attempts.push_back(row);
    }
  }
  for (const auto& [key, number] : cursors) {
    snapshot.cursors.push_back({key.first, key.second, number});
  }
  for (const auto& [id, row] : artifacts) snapshot.artifacts.push_back(row);
  for (const PutEvaluation& row : evaluations) {
    if (row.name == specs.at(row.trial.sweep)->objective.metric && Counts(row)) {
      snapshot.objectives.push_back(row);
    }
  }
  for (const auto& [id, row] : workers) snapshot.workers.push_back(row);
  for (const auto& [id, row] : requests) snapshot.requests.push_back(row);
  snapshot.last_artifact = last_artifact;
  if (!events.empty()) snapshot.last_event = events.back().id;
  if (!sweeps.empty()) snapshot.last_sweep = sweeps.rbegin()->first;
  if (!workers.empty()) snapshot.last_worker = workers.rbegin()->first;
  return snapshot;
}

// --- The world
// ------------------------------------------------------------------------------------

CoreTest::CoreTest() {
  options.cluster_id = "cluster";
  options.lease_length = limits::kLeaseLength;
  options.heartbeat_every = limits::kHeartbeatEvery;
  options.start_deadline = limits::kStartDeadline;
  core = std::make_unique<Core>(options);
}

void CoreTest::EndTurn(Effects effects) {
  core->Schedule(now, effects);
  tables.Commit(effects.writes);
  written = std::move(effects.writes);
  sent = std::move(effects.sends);
}

void CoreTest::Pass(Duration duration) {
  const Time end = now + duration;
  std::vector<Write> all_written;
  std::vector<Send> all_sent;
  const auto collect = [&] {
    all_written.insert(all_written.end(), written.begin(), written.end());
    all_sent.insert(all_sent.end(), sent.begin(), sent.end());
  };
  for (int ticks = 0; core->NextDeadline() <= end; ++ticks) {
    ASSERT_LT(ticks, 10'000) << "the core wants to be ticked again and again";
    now = std::max(now, core->NextDeadline());
    Turn(Tick{});
    collect();
  }
  now = end;
  Turn(Tick{});
  collect();
  written = std::move(all_written);
  sent = std::move(all_sent);
}

Request CoreTest::NextRequest() { return {.call = CallId{++last_call_}}; }

SweepId CoreTest::Submit(const SweepSpec& spec, const std::string& request_id) {
  Request request = NextRequest();
  request.request_id = request_id;
  auto shared = std::make_shared<const SweepSpec>(spec);
  Turn(SubmitSweep{request, shared, "source", {}});
  const Reply reply = LastReply();
  EXPECT_TRUE(reply.status.ok()) << reply.status.ToString();
  tables.specs.emplace(reply.sweep, shared);
  return reply.sweep;
}

SessionId CoreTest::Connect(const WorkerInfo& info, const std::vector<AttemptId>& held) {
  const SessionId session{++last_session_};
  Turn(StreamOpened{session}, MessageArrived{session, HelloMessage{.info = info, .held = held}});
  return session;
}

void CoreTest::Say(SessionId session, WorkerMessage message) {
  Turn(MessageArrived{session, std::move(message)});
}

void CoreTest::Beat(SessionId session, const std::vector<AttemptId>& held) {
  Say(session, HeartbeatMessage{.sequence = 1, .held = held});
}

void CoreTest::Disconnect(SessionId session) { Turn(StreamClosed{session}); }

void CoreTest::Report(SessionId session, AttemptId attempt, const std::vector<FactBody>& facts,
                      std::uint32_t rank) {
  FactsStored stored{.session = session, .attempt = attempt, .rank = rank};
  std::uint64_t& number = numbers_[{attempt, rank}];
  for (const FactBody& body : facts) stored.core_facts.push_back({++number, body});
  stored.number = number;
  Turn(stored);
}

void CoreTest::End(SessionId session, AttemptId attempt, const Outcome& outcome, Duration running,
                   std::uint32_t rank) {
  FinalFact fact{.outcome = outcome, .step = 10, .running_ms = running.count()};
  Report(session, attempt, {fact}, rank);
}

void CoreTest::Restart() {
  core = std::make_unique<Core>(options, tables.Load(), now);
  Schedule();
}

std::vector<std::string> CoreTest::Started() const {
  std::vector<std::string> started;
  for (const auto& [session, start] : SentOf<StartMessage>()) {
    std::string text = start.trial + "@" + std::to_string(session.value) + ":";
    for (const std::uint32_t slot : start.slots) text += std::to_string(slot);
    started.push_back(std::move(text));
  }
  return started;
}

std::vector<StartMessage> CoreTest::Starts() const {
  std::vector<StartMessage> starts;
  for (const auto& [session, start] : SentOf<StartMessage>()) starts.push_back(start);
  return starts;
}

Reply CoreTest::LastReply() const {
  for (auto it = sent.rbegin(); it != sent.rend(); ++it) {
    if (const auto* reply = std::get_if<Reply>(&*it)) return *reply;
  }
  ADD_FAILURE() << "no reply";
  return {};
}

TrialKey CoreTest::KeyOf(const std::string& trial) const {
  const std::size_t first = trial.find('.');
  const std::size_t second = trial.rfind('.');
  const SweepId sweep{std::stoull(trial.substr(0, first))};
  const std::string name = trial.substr(first + 1, second - first - 1);
  const auto& stages = tables.specs.at(sweep)->stages;
  const auto stage = std::find_if(stages.begin(), stages.end(),
                                  [&](const StageSpec& spec) { return spec.name == name; });
  return {sweep, static_cast<std::uint32_t>(stage - stages.begin()),
          std::stoull(trial.substr(second + 1))};
}

TrialState CoreTest::StateOf(const std::string& trial) const {
  return core->ViewTrial(KeyOf(trial)).state;
}

const PutTrial& CoreTest::RowOf(const std::string& trial) const {
  return tables.trials.at(KeyOf(trial));
}

AttemptId CoreTest::LiveOf(const std::string& trial) const {
  const TrialKey key = KeyOf(trial);
  for (auto it = tables.attempts.rbegin(); it != tables.attempts.rend(); ++it) {
    if (it->second.trial == key && core->FindAttempt(it->first)) return it->first;
  }
  return {};
}

std::vector<std::string> CoreTest::EventsOf(const std::string& kind) const {
  std::vector<std::string> reasons;
  for (const PutEvent& event : tables.events) {
    if (event.kind == kind) reasons.push_back(event.reason);
  }
  return reasons;
}

std::vector<std::string> CoreTest::Explain(const std::string& trial) const {
  return core->Explain(KeyOf(trial), now).reasons;
}

}  // namespace fusor
