#include "trainer/process/console_reporter.h"

#include <unistd.h>

#include <algorithm>

#include "trainer/process/log_reporter.h"

namespace fusor {
namespace {

constexpr std::chrono::milliseconds kMetricsEvery{100};
constexpr std::size_t kMetricsShown = 3;

std::string Clockwise(double seconds) {
  char text[32];
  const auto whole = static_cast<long long>(seconds);
  std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60, whole % 60);
  return text;
}

}  // namespace

ConsoleReporter::ConsoleReporter(std::FILE* out, std::string title)
    : out_(out), title_(std::move(title)), terminal_(isatty(fileno(out)) != 0) {}

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
        out_, "%s: goes on from step %lld%s\n", title_.c_str(),
        static_cast<long long>(report.resumed_from_step),
        report.bit_exact ? "" : " (not bit for bit: threads, precision or machine differ)");
  }
}

void ConsoleReporter::Progress(const ProgressReport& report) {
  if (!terminal_ || report.steps == 0) return;
  const double seconds = std::chrono::duration<double>(Clock::now() - started_).count();
  const double rate = static_cast<double>(report.step - first_step_) / std::max(seconds, 1e-3);
  const double left = rate > 0 ? static_cast<double>(report.steps - report.step) / rate : 0;
  ClearLine();
  std::fprintf(out_, "%s  %s  step %lld/%lld  %.1f/s  %s left%s", title_.c_str(),
               std::string(PhaseName(report.phase)).c_str(), static_cast<long long>(report.step),
               static_cast<long long>(report.steps), rate, Clockwise(left).c_str(),
               metrics_.c_str());
  std::fflush(out_);
  line_open_ = true;
}

void ConsoleReporter::Metrics(std::int64_t, std::span<const Metric> values) {
  if (!terminal_ || Clock::now() - metrics_at_ < kMetricsEvery) return;
  metrics_ = MetricsText(values, kMetricsShown);
  metrics_at_ = Clock::now();
}

void ConsoleReporter::Evaluated(const EvaluationReport& report) {
  ClearLine();
  std::fprintf(out_, "%s  epoch %lld  step %lld%s\n", title_.c_str(),
               static_cast<long long>(report.epoch), static_cast<long long>(report.step),
               MetricsText(report.values, report.values.size()).c_str());
}

void ConsoleReporter::Made(const ArtifactReport& report) {
  ClearLine();
  std::fprintf(out_, "%s  wrote %s\n", title_.c_str(), report.name.c_str());
}

void ConsoleReporter::Ended(std::int64_t step, const Outcome& outcome) {
  ClearLine();
  std::string how = "done";
  if (outcome.kind == OutcomeKind::kReleased) how = "stopped; the same command goes on from here";
  if (outcome.kind == OutcomeKind::kFailed) {
    how = "failed: " + std::string(FailureName(outcome.failure)) + ": " + outcome.detail;
  }
  std::fprintf(out_, "%s  step %lld  %s\n", title_.c_str(), static_cast<long long>(step),
               how.c_str());
}

}  // namespace fusor
