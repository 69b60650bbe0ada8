#include "trainer/process/console_reporter.h"

#include <algorithm>

#include "trainer/process/log_reporter.h"

namespace fusor {
namespace {

double Seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

ConsoleReporter::ConsoleReporter(std::FILE* out, ConsoleOptions options)
    : out_(out), options_(std::move(options)), rewrites_(LookOf(out).rewrites) {}

void ConsoleReporter::ClearLine() {
  if (line_open_) std::fputs("\r\033[K", out_);
  line_open_ = false;
}

void ConsoleReporter::Started(const StartedReport& report) {
  started_ = Clock::now();
  first_step_ = report.resumed_from_step;
  ClearLine();
  if (report.resumed_from_step > 0) {
    std::fprintf(
        out_, "%s: goes on from step %lld%s\n", options_.title.c_str(),
        static_cast<long long>(report.resumed_from_step),
        report.bit_exact ? "" : " (not bit for bit: threads, precision or machine differ)");
  }
}

void ConsoleReporter::Measure(const ProgressReport& report, Clock::time_point now) {
  // The time up to a report belongs to the phase before it.
  if (last_.phase == Phase::kTrain && report.step > last_.step) {
    trained_seconds_ += Seconds(now - last_at_);
    trained_steps_ += report.step - last_.step;
  }
  last_ = report;
  last_at_ = now;
}

ProgressFacts ConsoleReporter::FactsOf(const ProgressReport& report, Clock::time_point now) const {
  ProgressFacts facts{.title = options_.title,
                      .epochs = options_.epochs,
                      .step = report.step,
                      .steps = report.steps,
                      .loss = loss_};
  if (report.phase != Phase::kTrain) facts.phase = PhaseName(report.phase);
  facts.epoch = std::min(report.epoch + 1, options_.epochs);
  const std::int64_t made = report.step - first_step_;
  if (made > 0) {
    facts.seconds_left = Seconds(now - started_) * static_cast<double>(report.steps - report.step) /
                         static_cast<double>(made);
  }
  if (options_.batch_size > 0 && trained_seconds_ > 0) {
    facts.samples_per_s =
        static_cast<double>(trained_steps_ * options_.batch_size) / trained_seconds_;
  }
  return facts;
}

void ConsoleReporter::Progress(const ProgressReport& report) {
  if (!rewrites_ || report.steps == 0) return;
  const Clock::time_point now = Clock::now();
  Measure(report, now);
  ClearLine();
  std::fputs(ProgressLine(FactsOf(report, now), LookOf(out_)).c_str(), out_);
  std::fflush(out_);
  line_open_ = true;
}

void ConsoleReporter::Metrics(std::int64_t, std::span<const Metric> values) {
  if (!rewrites_) return;
  for (const Metric& metric : values) {
    if (metric.name == "train/loss") loss_ = metric.value;
  }
}

void ConsoleReporter::Evaluated(const EvaluationReport& report) {
  ClearLine();
  std::fprintf(out_, "%s  epoch %lld  step %lld%s\n", options_.title.c_str(),
               static_cast<long long>(report.epoch), static_cast<long long>(report.step),
               MetricsText(report.values, report.values.size()).c_str());
}

void ConsoleReporter::Made(const ArtifactReport& report) {
  ClearLine();
  std::fprintf(out_, "%s  wrote %s\n", options_.title.c_str(), report.name.c_str());
}

void ConsoleReporter::Ended(std::int64_t step, const Outcome& outcome) {
  ClearLine();
  std::string how = outcome.detail.empty() ? "done" : outcome.detail;
  if (outcome.kind == OutcomeKind::kReleased) how = "stopped; the same command goes on from here";
  if (outcome.kind == OutcomeKind::kFailed) {
    how = "failed: " + FailureWords(outcome.failure) + ": " + outcome.detail;
  }
  std::fprintf(out_, "%s  step %lld  %s\n", options_.title.c_str(), static_cast<long long>(step),
               how.c_str());
}

}  // namespace fusor
