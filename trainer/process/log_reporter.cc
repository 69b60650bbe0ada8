#include "trainer/process/log_reporter.h"

#include <algorithm>

#include "common/base/outcome.h"

namespace fusor {
namespace {

constexpr std::chrono::seconds kEvery{1};

}  // namespace

std::string MetricsText(std::span<const Metric> values, std::size_t count) {
  std::string text;
  for (const Metric& metric : values.first(std::min(values.size(), count))) {
    char number[32];
    std::snprintf(number, sizeof number, "%.4g", metric.value);
    text += "  " + metric.name + " " + number;
  }
  return text;
}

void LogReporter::Write(const std::string& line) {
  std::fprintf(log_, "%s\n", line.c_str());
  std::fflush(log_);
  held_.clear();
}

void LogReporter::Started(const StartedReport& report) {
  next_.Started(report);
  if (report.resumed_from_step <= 0) return;
  Write("goes on from step " + std::to_string(report.resumed_from_step) +
        (report.bit_exact ? "" : ", not bit for bit: threads, precision or machine differ"));
}

void LogReporter::Evaluated(const EvaluationReport& report) {
  next_.Evaluated(report);
  const std::string line = "epoch " + std::to_string(report.epoch) + "  step " +
                           std::to_string(report.step) +
                           MetricsText(report.values, report.values.size());
  const auto now = std::chrono::steady_clock::now();
  if (now - written_ < kEvery) {
    held_ = line;
    return;
  }
  written_ = now;
  Write(line);
}

void LogReporter::Ended(std::int64_t step, const Outcome& outcome) {
  if (!held_.empty()) Write(held_);
  if (outcome.kind == OutcomeKind::kFailed) {
    Write("failed: " + outcome.detail);
  } else if (!outcome.detail.empty()) {
    Write(outcome.detail);
  }
  next_.Ended(step, outcome);
}

}  // namespace fusor
