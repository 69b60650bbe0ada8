#include "trainer/engine/loop.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <stdexcept>

#include "trainer/engine/guard.h"
#include "trainer/io/atomic_file.h"
#include "trainer/io/checkpoint_folder.h"

namespace fusor {
namespace {

// In a checkpoint.
constexpr char kStateName[] = "state.safetensors";
constexpr char kBestName[] = "best.safetensors";
constexpr char kLogName[] = "log.csv";
// Below the attempt's directory; replaced as wholes.
constexpr char kBestFile[] = "best/model.safetensors";
constexpr char kLastFile[] = "last/model.safetensors";

}  // namespace

Loop::Loop(LoopOptions options, Task& task, Reporter& reporter, Control& control)
    : options_(std::move(options)),
      policy_(options_.policy),
      task_(task),
      reporter_(reporter),
      control_(control),
      pulse_(reporter, control) {}

Outcome Loop::Run() {
  pulse_.Enter(Phase::kLoad);
  if (const Status status = task_.Prepare(pulse_); !status.ok()) return FailedBy(status);
  if (const Status status = Start(); !status.ok()) return Crashed(status);
  if (const Status status = Begin(); !status.ok()) return FailedBy(status);
  Outcome end{OutcomeKind::kSucceeded};
  while (position_.step < plan_.steps) {
    if (early_stop_ && early_stop_->due()) {
      end.detail = early_stop_->Reason();
      break;
    }
    const Wishes wishes = control_.Take();
    if (auto ended = Obey(wishes)) return *ended;
    if (wishes.finish_early) break;
    if (auto ended = Step()) return *ended;
    if (auto ended = EndEpoch()) return *ended;
  }
  if (auto ended = Drain()) return *ended;
  if (const Status status = Finish(); !status.ok()) return Crashed(status);
  return end;
}

// Writes the checkpoint that is asked for or due.
std::optional<Outcome> Loop::Obey(const Wishes& wishes) {
  if (!wishes.checkpoint && !wishes.stop && !CheckpointDue()) return std::nullopt;
  if (auto ended = Drain()) return ended;
  if (wishes.finish_early) return std::nullopt;
  if (const Status status = Checkpoint(); !status.ok()) return Crashed(status);
  if (wishes.stop) return Outcome{OutcomeKind::kReleased};
  return std::nullopt;
}

std::optional<Outcome> Loop::EndEpoch() {
  if (position_.step % plan_.steps_per_epoch != 0) return std::nullopt;
  if (auto ended = Drain()) return ended;
  if (const Status status = Evaluate(); !status.ok()) return Crashed(status);
  return std::nullopt;
}

Status Loop::Start() {
  plan_ = task_.plan();
  MakeOptimizer();
  memory_kinds_ = CountMemory(task_, groups_, *optimizer_);
  StartedReport report;
  report.info = options_.info;
  report.info.merge(task_.Info());
  if (options_.resume) {
    auto bit_exact = Resume(*options_.resume);
    if (!bit_exact.ok()) return bit_exact.status();
    report.bit_exact = *bit_exact;
    report.resumed_from_step = position_.step;
  }
  RETURN_IF_ERROR(TakeUpPolicies());
  RETURN_IF_ERROR(DecideOnGraph(report));
  last_rates_ = RatesAt(std::max<std::int64_t>(position_.applied - 1, 0));
  reporter_.Started(report);
  return Ok();
}

Status Loop::Begin() {
  Place();
  const auto data = task_.WriteData();
  if (!data.ok()) return data.status();
  for (const ArtifactReport& artifact : *data) reporter_.Made(artifact);
  pulse_.Enter(Phase::kTrain);
  started_step_ = position_.step;
  Tune(true);
  checkpointed_at_ = options_.now();
  speed_.Start(options_.now());
  return Ok();
}

// Those that go by what happened before, from the position.
Status Loop::TakeUpPolicies() {
  if (!policy_.StepsUnseen()) buffers_.emplace(task_.parameters());
  if (policy_.scale_loss) {
    if (!options_.resume) position_.loss_scaler = LossScaler(policy_.scaling).state();
    scaler_.emplace(policy_.scaling, position_.loss_scaler);
  }
  if (policy_.adapt_precision) {
    switch_.emplace(policy_.adapting, position_.precision);
    task_.UseFullPrecision(switch_->full());
  }
  if (policy_.early_stop.patience > 0) {
    const auto objective = task_.objective();
    if (!objective) return InvalidArgument("early_stop: nothing tells how good this model is");
    early_stop_.emplace(policy_.early_stop, *objective, position_.early_stop);
  }
  return Ok();
}

void Loop::MakeOptimizer() {
  groups_ = task_.groups();
  std::vector<ParameterGroup> parts;
  for (const TrainedGroup& group : groups_) {
    parts.push_back({.name = group.name,
                     .parameters = group.parameters,
                     .weight_decay = policy_.optimizer.weight_decay,
                     .frozen_steps = group.frozen_steps});
  }
  optimizer_.emplace(policy_.optimizer, parts);
  ScheduleOptions schedule = policy_.schedule;
  schedule.steps = plan_.steps;
  schedule.step_every *= plan_.steps_per_epoch;
  schedule_.emplace(schedule);
}

std::vector<double> Loop::RatesAt(std::int64_t applied) const {
  std::vector<double> rates;
  for (const TrainedGroup& group : groups_) {
    rates.push_back(applied < group.frozen_steps ? 0 : group.rate * schedule_->At(applied));
  }
  return rates;
}

Result<bool> Loop::Resume(const JobResume& resume) {
  const JobFile* state = nullptr;
  for (const JobFile& file : resume.files) {
    const std::string name = file.name.substr(file.name.rfind('/') + 1);
    if (name == kStateName) state = &file;
    if (name == kLogName) RETURN_IF_ERROR(log_.Load(file.path));
    if (name == kBestName) RETURN_IF_ERROR(CopyFile(file.path, kBestFile));
  }
  if (state == nullptr) {
    return InvalidArgument("the checkpoint to resume from has no " + std::string(kStateName));
  }
  auto resumed = LoadCheckpoint(state->path, options_.identity, task_.parameters(), *optimizer_);
  if (!resumed.ok()) return resumed.status();
  position_ = resumed->position;
  if (!log_.empty()) RETURN_IF_ERROR(log_.Write(task_.log_file()));
  return resumed->bit_exact;
}

std::optional<Outcome> Loop::Step() {
  const Clock::time_point begun = options_.now();
  // A step that is still to be read counts: where it waits, none is passed over.
  const std::int64_t applied = position_.applied + (waiting_ ? 1 : 0);
  StepNumbers numbers(position_.step + 1, RatesAt(applied));
  const StepGraph::BatchOf batch_of = [&](std::int64_t part) {
    return task_.TrainingBatch({position_.step, part});
  };
  if (graph_ && position_.step >= graph_begins_) {
    ComputeByGraph(batch_of, numbers);
  } else {
    Compute(batch_of, {}, numbers);
  }
  if (SendsNumbers()) numbers.Send(*options_.cuda);
  ++position_.step;
  const std::int64_t samples = numbers.samples();
  auto ended = Report(std::move(numbers));
  speed_.AddStep(options_.now() - begun, samples);
  Place();
  pulse_.Beat();
  return ended;
}

void Loop::Compute(const StepGraph::BatchOf& batch_of, const at::Tensor& rates,
                   StepNumbers& numbers) {
  if (buffers_) buffers_->Keep();
  if (!AddUpGradients(batch_of, numbers)) {
    if (buffers_) buffers_->Restore();
    return optimizer_->ClearGradients();
  }
  StepInput input = InputOf(numbers);
  input.rates_there = rates;
  const StepReport report = optimizer_->Step(input);
  if (buffers_ && !report.applied()) buffers_->Restore();
  numbers.SetReport(report);
  if (SendsNumbers()) numbers.Pack();
}

Status Loop::DecideOnGraph(StartedReport& report) {
  if (options_.cuda == nullptr && policy_.graph != AutoSwitch::kOn) return Ok();
  const std::string obstacle = GraphObstacle(options_.cuda, policy_, task_);
  if (!obstacle.empty() && policy_.graph == AutoSwitch::kOn) {
    return InvalidArgument("cuda_graph=on: " + obstacle);
  }
  report.info["cuda_graph"] = obstacle.empty() ? "tried" : "no: " + obstacle;
  if (!obstacle.empty()) return Ok();
  graph_begins_ = position_.step;
  // Frozen groups stay out of a recording for good; what thaws them are applied steps.
  const std::int64_t passed_over = position_.step - position_.applied;
  for (const TrainedGroup& group : groups_) {
    graph_begins_ = std::max(graph_begins_, group.frozen_steps + passed_over);
  }
  graph_begins_ += StepGraph::kWarmUpSteps;
  graph_.emplace(*options_.cuda, policy_.accumulate,
                 [this](const auto& batch_of, const at::Tensor& rates, StepNumbers& numbers) {
                   Compute(batch_of, rates, numbers);
                 });
  return Ok();
}

void Loop::ComputeByGraph(const StepGraph::BatchOf& batch_of, StepNumbers& numbers) {
  graph_->Run(batch_of, numbers);
  if (graph_->problem().empty()) return;
  const std::string problem =
      "the step could not be recorded as a CUDA graph: " + graph_->problem();
  if (policy_.graph == AutoSwitch::kOn) throw std::runtime_error("cuda_graph=on: " + problem);
  std::fprintf(stderr, "fusor-train: %s; going on without\n", problem.c_str());
  graph_.reset();
}

// Data, forward, loss and backward of each part; false at a loss that is not finite.
bool Loop::AddUpGradients(const StepGraph::BatchOf& batch_of, StepNumbers& numbers) {
  for (std::int64_t part = 0; part < policy_.accumulate; ++part) {
    const Batch batch = batch_of(part);
    const BatchLoss loss = task_.Forward(batch);
    numbers.Add(loss, batch.samples);
    if (!options_.read_late && !std::isfinite(loss.loss.item<double>())) return false;
    task_.Backward(loss, LossScale() / static_cast<double>(policy_.accumulate));
  }
  return true;
}

double Loop::LossScale() const { return scaler_ ? scaler_->scale() : 1; }

StepInput Loop::InputOf(const StepNumbers& numbers) const {
  StepInput input{.rates = numbers.rates(),
                  .loss_scale = LossScale(),
                  .clip_norm = policy_.clip_norm,
                  .skip_nonfinite = scaler_ || switch_ || !policy_.stop_on_nonfinite,
                  .want_norm = policy_.record_norm};
  ClipEach(input);
  return input;
}

// Where a group has a bound of its own, every group is clipped for itself.
void Loop::ClipEach(StepInput& input) const {
  const bool any = std::any_of(groups_.begin(), groups_.end(), [](const TrainedGroup& group) {
    return group.clip_norm.has_value();
  });
  if (!any) return;
  for (const TrainedGroup& group : groups_) {
    input.clip_norms.push_back(group.clip_norm.value_or(policy_.clip_norm));
  }
  input.clip_norm = 0;
}

// Of the step before, where that waits; of this one now, unless its own numbers are to wait.
std::optional<Outcome> Loop::Report(StepNumbers numbers) {
  if (auto ended = SettleWaiting()) return ended;
  if (!options_.read_late) return Settle(numbers);
  waiting_.emplace(std::move(numbers));
  return std::nullopt;
}

std::optional<Outcome> Loop::SettleWaiting() {
  if (!waiting_) return std::nullopt;
  const StepNumbers numbers = std::move(*waiting_);
  waiting_.reset();
  return Settle(numbers);
}

std::optional<Outcome> Loop::Drain() {
  const Clock::time_point begun = options_.now();
  auto ended = SettleWaiting();
  speed_.AddWait(options_.now() - begun);
  return ended;
}

std::optional<Outcome> Loop::Settle(const StepNumbers& numbers) {
  const StepReading reading = numbers.Read();
  const std::vector<Metric>& means = reading.means;
  StepFacts facts{.step = numbers.step(),
                  .loss = means[0].value,
                  .values = std::span(means).subspan(1),
                  .groups = groups_,
                  .learning_rates = numbers.rates()};
  const bool half = switch_ && !switch_->full();
  if (!std::isfinite(facts.loss) && policy_.stop_on_nonfinite && !half) {
    return Failed(Failure::kDiverged, "loss is " +
                                          std::string(std::isnan(facts.loss) ? "nan" : "inf") +
                                          " at step " + std::to_string(facts.step));
  }
  const auto& report = numbers.report();
  const bool applied = report && report->applied();
  if (applied) ++position_.applied;
  if (applied && policy_.NeedsNorm()) {
    facts.gradient_norm = reading.norm ? *reading.norm : report->norm();
  }
  if (auto ended = UpdateScale(report, applied)) return ended;
  position_.averages.Add(means);
  Adapt(facts.step, facts.loss);
  last_rates_ = numbers.rates();
  reporter_.Metrics(facts.step, task_.StepMetrics(facts));
  return std::nullopt;
}

std::optional<Outcome> Loop::UpdateScale(const std::optional<StepReport>& report, bool applied) {
  if (!scaler_ || !report) return std::nullopt;
  Status status = Ok();
  if (applied) scaler_->OnFinite();
  if (!applied) status = scaler_->OnOverflow();
  position_.loss_scaler = scaler_->state();
  if (status.ok()) return std::nullopt;
  return Failed(Failure::kDiverged, status.message());
}

void Loop::Adapt(std::int64_t step, double loss) {
  if (!switch_) return;
  const Metric bits{"train/compute_bits", switch_->full() ? 32.0 : 16.0};
  reporter_.Metrics(step, std::span(&bits, 1));
  switch_->AddLoss(step, loss);
  position_.precision = switch_->state();
  task_.UseFullPrecision(switch_->full());
}

void Loop::Place() {
  pulse_.Position(position_.step, plan_.steps, position_.step / plan_.steps_per_epoch);
}

bool Loop::CheckpointDue() const {
  const CheckpointPolicy& policy = options_.checkpoint;
  if (position_.step == started_step_ || position_.step == checkpointed_step_) return false;
  if (policy.every_steps > 0 && position_.step % policy.every_steps == 0) return true;
  return policy.every_ms > 0 &&
         options_.now() - checkpointed_at_ >= std::chrono::milliseconds(policy.every_ms);
}

Status Loop::Checkpoint() {
  if (position_.step == checkpointed_step_) return Ok();
  pulse_.Enter(Phase::kCheckpoint);
  auto folder = CheckpointFolder::Begin(position_.step);
  if (!folder.ok()) return folder.status();
  RETURN_IF_ERROR(SaveCheckpoint(folder->PathOf(kStateName), options_.identity, position_,
                                 task_.parameters(), *optimizer_));
  if (!log_.empty()) RETURN_IF_ERROR(folder->AddLink(task_.log_file(), kLogName));
  if (position_.best_step >= 0) RETURN_IF_ERROR(folder->AddLink(kBestFile, kBestName));
  auto files = folder->Commit();
  if (!files.ok()) return files.status();
  reporter_.Checkpointed(position_.step, *files);
  checkpointed_step_ = position_.step;
  checkpointed_at_ = options_.now();
  pulse_.Enter(Phase::kTrain);
  return Ok();
}

void Loop::Tune(bool training) {
  if (options_.cuda == nullptr) return;
  options_.cuda->TuneConvolutions(training && policy_.Tunes(plan_.steps - started_step_));
}

// Its shapes come too seldom to try kernels for them.
std::vector<Metric> Loop::Judge(Split split) {
  Tune(false);
  std::vector<Metric> values = task_.Evaluate(split, pulse_);
  Tune(true);
  return values;
}

Status Loop::Evaluate() {
  at::NoGradGuard no_grad;
  pulse_.Enter(Phase::kEvaluate);
  EvaluationReport report{position_.step, pulse_.now().epoch, Judge(Split::kValidation)};
  position_.evaluated_step = position_.step;
  if (!report.values.empty()) {
    RETURN_IF_ERROR(KeepIfBest(report.values));
    Watch(report.values);
    RETURN_IF_ERROR(Log(report.values));
    reporter_.Evaluated(report);
  }
  const std::vector<Metric> speed = speed_.EndEpoch(
      options_.now(), options_.memory ? std::optional(options_.memory()) : std::nullopt);
  if (!speed.empty()) reporter_.Metrics(position_.step, speed);
  position_.averages.Restart();
  pulse_.Enter(Phase::kTrain);
  return Ok();
}

Status Loop::KeepIfBest(const std::vector<Metric>& values) {
  auto selection = task_.selection();
  if (!selection) return Ok();
  for (const Metric& metric : values) {
    if (metric.name != selection->metric || std::isnan(metric.value)) continue;
    position_.last_value = metric.value;
    double best = position_.best_value;
    bool better = selection->maximize ? metric.value > best : metric.value < best;
    if (position_.best_step >= 0 && !better) return Ok();
    position_.best_value = metric.value;
    position_.best_step = position_.step;
    return SaveTo(kBestFile);
  }
  return Ok();
}

void Loop::Watch(const std::vector<Metric>& values) {
  if (!early_stop_) return;
  // An evaluation without the number is one without a better number.
  double value = std::numeric_limits<double>::quiet_NaN();
  for (const Metric& metric : values) {
    if (metric.name == early_stop_->metric()) value = metric.value;
  }
  early_stop_->Add(position_.step, value);
  position_.early_stop = early_stop_->state();
}

Status Loop::SaveTo(const char* file) {
  std::map<std::string, std::string> about = task_.ModelInfo();
  about["fusor.config"] = options_.identity.config;
  about["fusor.step"] = std::to_string(position_.step);
  const auto precision = options_.info.find("precision");
  if (precision != options_.info.end()) about["fusor.precision"] = precision->second;
  return SaveModel(file, task_.parameters(), about);
}

Status Loop::Log(const std::vector<Metric>& evaluation) {
  const std::vector<Metric> means = position_.averages.Means();
  log_.Add(task_.LogRow({.epoch = pulse_.now().epoch,
                         .step = position_.step,
                         .means = means,
                         .evaluation = evaluation,
                         .learning_rates = last_rates_}));
  return log_.Write(task_.log_file());
}

Status Loop::Finish() {
  if (position_.step == 0) return Ok();
  if (position_.evaluated_step != position_.step) RETURN_IF_ERROR(Evaluate());
  at::NoGradGuard no_grad;
  pulse_.Enter(Phase::kSave);
  RETURN_IF_ERROR(SaveTo(kLastFile));
  if (position_.best_step >= 0) reporter_.Made({"model", kBestFile, position_.best_step});
  reporter_.Made({"model", kLastFile, position_.step});
  if (!log_.empty()) reporter_.Made({"csv", task_.log_file(), position_.step});
  RETURN_IF_ERROR(Export("last", position_.step, position_.last_value));
  if (position_.best_step >= 0) {
    RETURN_IF_ERROR(LoadModel(kBestFile, task_.parameters()));
    RETURN_IF_ERROR(Export("best", position_.best_step, position_.best_value));
  }
  Test();
  return Ok();
}

// The model that was chosen on validation data, which memory holds now; or the last one where
// nothing is chosen.
void Loop::Test() {
  pulse_.Enter(Phase::kEvaluate);
  const std::int64_t step = position_.best_step < 0 ? position_.step : position_.best_step;
  const EvaluationReport report{step, step / plan_.steps_per_epoch, Judge(Split::kTest)};
  if (!report.values.empty()) reporter_.Evaluated(report);
}

// What others can use of the model as it is in memory.
Status Loop::Export(const char* which, std::int64_t step, double value) {
  ModelFacts facts{.which = which, .step = step, .epoch = step / plan_.steps_per_epoch};
  if (!std::isnan(value)) facts.accuracy = value;
  const auto made = task_.Export(facts);
  if (!made.ok()) return made.status();
  for (const ArtifactReport& artifact : *made) reporter_.Made(artifact);
  pulse_.Beat();
  return Ok();
}

}  // namespace fusor
