#include "trainer/engine/loop.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <limits>

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
constexpr char kLogFile[] = "log.csv";

Outcome Failed(Failure failure, std::string detail) {
  return {OutcomeKind::kFailed, failure, 0, std::move(detail)};
}

// Damaged or missing input is the data's fault and not tried again; anything else may be.
Outcome FromPrepare(const Status& status) {
  bool data = status.code() == Code::kDataLoss || status.code() == Code::kNotFound;
  return Failed(data ? Failure::kBadData : Failure::kCrashedException, status.message());
}

}  // namespace

Loop::Loop(LoopOptions options, Task& task, Reporter& reporter, Control& control)
    : options_(std::move(options)),
      task_(task),
      reporter_(reporter),
      control_(control),
      pulse_(reporter, control) {}

Outcome Loop::Run() {
  pulse_.Enter(Phase::kLoad);
  Status status = task_.Prepare(pulse_);
  if (!status.ok()) return FromPrepare(status);
  status = Start();
  while (status.ok() && position_.step < plan_.steps) {
    Wishes wishes = control_.Take();
    if (wishes.finish_early) break;
    if (wishes.checkpoint || wishes.stop || CheckpointDue()) status = Checkpoint();
    if (!status.ok()) break;
    if (wishes.stop) return {OutcomeKind::kReleased};
    if (auto diverged = Step()) return *diverged;
    if (position_.step % plan_.steps_per_epoch == 0) status = Evaluate();
  }
  if (status.ok()) status = Finish();
  if (!status.ok()) return Failed(Failure::kCrashedException, status.message());
  return {OutcomeKind::kSucceeded};
}

Status Loop::Start() {
  plan_ = task_.plan();
  optimizer_.emplace(task_.optimizer(), task_.parameters());
  StartedReport report;
  report.info = options_.info;
  report.info.merge(task_.Info());
  if (options_.resume) {
    auto bit_exact = Resume(*options_.resume);
    if (!bit_exact.ok()) return bit_exact.status();
    report.bit_exact = *bit_exact;
    report.resumed_from_step = position_.step;
  }
  if (options_.scale_loss) {
    if (!options_.resume) position_.loss_scaler = LossScaler(options_.scaling).state();
    scaler_.emplace(options_.scaling, position_.loss_scaler);
  }
  reporter_.Started(report);
  Place();
  pulse_.Enter(Phase::kTrain);
  started_step_ = position_.step;
  checkpointed_at_ = Clock::now();
  return Ok();
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
  if (!log_.empty()) RETURN_IF_ERROR(log_.Write(kLogFile));
  return resumed->bit_exact;
}

std::optional<Outcome> Loop::Step() {
  const Clock::time_point begun = Clock::now();
  StepFacts facts;
  facts.learning_rate = task_.LearningRate(optimizer_->steps());
  Batch batch = task_.TrainingBatch(position_.step);
  BatchLoss forward = task_.Forward(batch);
  facts.loss = forward.loss.item<double>();
  if (std::isfinite(facts.loss)) {
    const Status status = Learn(forward.loss, facts);
    if (!status.ok()) return Failed(Failure::kDiverged, status.message());
  } else if (options_.stop_on_nonfinite) {
    return Failed(Failure::kDiverged, "loss is " +
                                          std::string(std::isnan(facts.loss) ? "nan" : "inf") +
                                          " at step " + std::to_string(position_.step + 1));
  }
  facts.accuracy = forward.correct.defined()
                       ? forward.correct.item<double>() / static_cast<double>(batch.samples)
                       : std::numeric_limits<double>::quiet_NaN();
  ++position_.step;
  position_.averages.loss_sum += facts.loss;
  position_.averages.accuracy_sum += facts.accuracy;
  ++position_.averages.steps;
  trained_samples_ += batch.samples;
  trained_time_ += Clock::now() - begun;
  Place();
  reporter_.Metrics(position_.step, task_.StepMetrics(facts));
  pulse_.Beat();
  return std::nullopt;
}

Status Loop::Learn(const at::Tensor& loss, StepFacts& facts) {
  const double scale = scaler_ ? scaler_->scale() : 1;
  (scaler_ ? loss.mul(scale) : loss).backward();
  const StepReport report = optimizer_->Step({.rates = {facts.learning_rate},
                                              .loss_scale = scale,
                                              .clip_norm = options_.clip_norm,
                                              .skip_nonfinite = scaler_.has_value()});
  if (scaler_) {
    const bool applied = report.applied();
    Status status = Ok();
    if (applied) scaler_->OnFinite();
    if (!applied) status = scaler_->OnOverflow();
    position_.loss_scaler = scaler_->state();
    if (!applied) return status;
  }
  if (options_.clip_norm > 0) facts.gradient_norm = report.norm();
  return Ok();
}

void Loop::Place() {
  pulse_.Position(position_.step, plan_.steps, position_.step / plan_.steps_per_epoch);
}

bool Loop::CheckpointDue() const {
  const CheckpointPolicy& policy = options_.checkpoint;
  if (position_.step == started_step_ || position_.step == checkpointed_step_) return false;
  if (policy.every_steps > 0 && position_.step % policy.every_steps == 0) return true;
  return policy.every_ms > 0 &&
         Clock::now() - checkpointed_at_ >= std::chrono::milliseconds(policy.every_ms);
}

Status Loop::Checkpoint() {
  if (position_.step == checkpointed_step_) return Ok();
  pulse_.Enter(Phase::kCheckpoint);
  auto folder = CheckpointFolder::Begin(position_.step);
  if (!folder.ok()) return folder.status();
  RETURN_IF_ERROR(SaveCheckpoint(folder->PathOf(kStateName), options_.identity, position_,
                                 task_.parameters(), *optimizer_));
  if (!log_.empty()) RETURN_IF_ERROR(folder->AddLink(kLogFile, kLogName));
  if (position_.best_step >= 0) RETURN_IF_ERROR(folder->AddLink(kBestFile, kBestName));
  auto files = folder->Commit();
  if (!files.ok()) return files.status();
  reporter_.Checkpointed(position_.step, *files);
  checkpointed_step_ = position_.step;
  checkpointed_at_ = Clock::now();
  pulse_.Enter(Phase::kTrain);
  return Ok();
}

Status Loop::Evaluate() {
  at::NoGradGuard no_grad;
  pulse_.Enter(Phase::kEvaluate);
  EvaluationReport report{position_.step, pulse_.now().epoch,
                          task_.Evaluate(Split::kValidation, pulse_)};
  position_.evaluated_step = position_.step;
  if (!report.values.empty()) {
    RETURN_IF_ERROR(KeepIfBest(report.values));
    RETURN_IF_ERROR(Log(report.values));
    reporter_.Evaluated(report);
  }
  ReportSpeed();
  position_.averages = Averages();
  pulse_.Enter(Phase::kTrain);
  return Ok();
}

// Wall time differs from run to run, so this is a `system/` metric, exempt from exact repetition.
void Loop::ReportSpeed() {
  if (trained_samples_ == 0) return;
  const double seconds = std::chrono::duration<double>(trained_time_).count();
  const Metric speed{"system/samples_per_s", static_cast<double>(trained_samples_) / seconds};
  reporter_.Metrics(position_.step, {&speed, 1});
  trained_samples_ = 0;
  trained_time_ = Clock::duration::zero();
}

Status Loop::KeepIfBest(const std::vector<Metric>& values) {
  auto selection = task_.selection();
  if (!selection) return Ok();
  for (const Metric& metric : values) {
    if (metric.name != selection->metric || std::isnan(metric.value)) continue;
    double best = position_.best_value;
    bool better = selection->maximize ? metric.value > best : metric.value < best;
    if (position_.best_step >= 0 && !better) return Ok();
    position_.best_value = metric.value;
    position_.best_step = position_.step;
    return SaveModel(kBestFile, task_.parameters(), options_.identity, position_.step);
  }
  return Ok();
}

Status Loop::Log(const std::vector<Metric>& values) {
  const Averages& averages = position_.averages;
  const double steps = static_cast<double>(averages.steps);
  std::vector<CsvLog::Cell> row = {
      {"epoch", static_cast<double>(pulse_.now().epoch)},
      {"step", static_cast<double>(position_.step)},
      {"learning_rate", task_.LearningRate(std::max<std::int64_t>(optimizer_->steps() - 1, 0))},
      {"train/loss", averages.loss_sum / steps},
      {"train/accuracy", averages.accuracy_sum / steps},
  };
  for (const Metric& metric : values) row.push_back({metric.name, metric.value});
  log_.Add(row);
  return log_.Write(kLogFile);
}

Status Loop::Finish() {
  if (position_.step == 0) return Ok();
  if (position_.evaluated_step != position_.step) RETURN_IF_ERROR(Evaluate());
  {
    at::NoGradGuard no_grad;
    pulse_.Enter(Phase::kEvaluate);
    EvaluationReport test{position_.step, pulse_.now().epoch, task_.Evaluate(Split::kTest, pulse_)};
    if (!test.values.empty()) reporter_.Evaluated(test);
  }
  pulse_.Enter(Phase::kSave);
  RETURN_IF_ERROR(SaveModel(kLastFile, task_.parameters(), options_.identity, position_.step));
  if (position_.best_step >= 0) reporter_.Made({"model", kBestFile, position_.best_step});
  reporter_.Made({"model", kLastFile, position_.step});
  if (!log_.empty()) reporter_.Made({"csv", kLogFile, position_.step});
  return Ok();
}

}  // namespace fusor
