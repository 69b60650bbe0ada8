#include "trainer/contract/fact_reporter.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>

#include "common/recipe/value.h"

namespace fusor {
namespace {

void AppendInt(std::string& out, std::int64_t value) {
  char buffer[24];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  out.append(buffer, end);
}

void AppendNumber(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "\"nan\"";
  } else if (std::isinf(value)) {
    out += value > 0 ? "\"inf\"" : "\"-inf\"";
  } else {
    char buffer[32];
    auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
    out.append(buffer, end);
  }
}

void AppendNow(std::string& out) {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  out += ",\"t\":";
  AppendInt(out, std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

void AppendValues(std::string& out, std::span<const Metric> values) {
  out += ",\"v\":{";
  bool first = true;
  for (const Metric& metric : values) {
    if (!first) out += ',';
    first = false;
    out += JsonQuote(metric.name);
    out += ':';
    AppendNumber(out, metric.value);
  }
  out += '}';
}

}  // namespace

std::string_view PhaseName(Phase phase) {
  switch (phase) {
    case Phase::kLoad:
      return "load";
    case Phase::kTrain:
      return "train";
    case Phase::kEvaluate:
      return "evaluate";
    case Phase::kCheckpoint:
      return "checkpoint";
    case Phase::kSave:
      return "save";
  }
  return "train";
}

FactReporter::FactReporter(int fd) : fd_(fd), text_("{\"contract\":1}\n") {}

void FactReporter::Started(const StartedReport& report) {
  text_ += "{\"f\":\"started\",\"resumed_from_step\":";
  AppendInt(text_, report.resumed_from_step);
  text_ += report.bit_exact ? ",\"bit_exact\":true,\"info\":{" : ",\"bit_exact\":false,\"info\":{";
  bool first = true;
  for (const auto& [key, value] : report.info) {
    if (!first) text_ += ',';
    first = false;
    text_ += JsonQuote(key) + ':' + JsonQuote(value);
  }
  // Written with the progress that follows at once.
  text_ += "}}\n";
}

void FactReporter::Progress(const ProgressReport& report) {
  AppendPacked();
  text_ += "{\"f\":\"progress\",\"step\":";
  AppendInt(text_, report.step);
  text_ += ",\"steps\":";
  AppendInt(text_, report.steps);
  text_ += ",\"epoch\":";
  AppendInt(text_, report.epoch);
  text_ += ",\"phase\":\"";
  text_ += PhaseName(report.phase);
  text_ += "\"}\n";
  WriteOut();
}

bool FactReporter::SameNames(std::span<const Metric> values) const {
  if (values.size() != names_.size()) return false;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].name != names_[i]) return false;
  }
  return true;
}

void FactReporter::Metrics(std::int64_t step, std::span<const Metric> values) {
  if (values.empty() || reader_gone_) return;
  if (!SameNames(values)) {
    AppendPacked();
    names_.clear();
    for (const Metric& metric : values) names_.push_back(metric.name);
  }
  steps_.push_back(step);
  for (const Metric& metric : values) values_.push_back(metric.value);
  if (values_.size() >= kPackedPointsMax ||
      std::chrono::steady_clock::now() - flushed_ >= kFlushEvery) {
    AppendPacked();
    WriteOut();
  }
}

void FactReporter::AppendPacked() {
  if (steps_.empty()) return;
  text_ += "{\"f\":\"columns\",\"names\":[";
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (i > 0) text_ += ',';
    text_ += JsonQuote(names_[i]);
  }
  text_ += "],\"steps\":[";
  for (std::size_t j = 0; j < steps_.size(); ++j) {
    if (j > 0) text_ += ',';
    AppendInt(text_, steps_[j]);
  }
  text_ += "],\"v\":[";
  for (std::size_t i = 0; i < names_.size(); ++i) {
    text_ += i > 0 ? ",[" : "[";
    for (std::size_t j = 0; j < steps_.size(); ++j) {
      if (j > 0) text_ += ',';
      AppendNumber(text_, values_[j * names_.size() + i]);
    }
    text_ += ']';
  }
  text_ += ']';
  AppendNow(text_);
  text_ += "}\n";
  steps_.clear();
  values_.clear();
}

void FactReporter::Evaluated(const EvaluationReport& report) {
  AppendPacked();
  text_ += "{\"f\":\"evaluation\",\"step\":";
  AppendInt(text_, report.step);
  text_ += ",\"epoch\":";
  AppendInt(text_, report.epoch);
  AppendValues(text_, report.values);
  text_ += "}\n";
  WriteOut();
}

void FactReporter::Checkpointed(std::int64_t step, std::span<const std::string> files) {
  AppendPacked();
  text_ += "{\"f\":\"checkpoint\",\"step\":";
  AppendInt(text_, step);
  text_ += ",\"files\":[";
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (i > 0) text_ += ',';
    text_ += JsonQuote(files[i]);
  }
  text_ += "]}\n";
  WriteOut();
}

void FactReporter::Made(const ArtifactReport& report) {
  AppendPacked();
  text_ += "{\"f\":\"artifact\",\"kind\":" + JsonQuote(report.kind) +
           ",\"name\":" + JsonQuote(report.name) + ",\"step\":";
  AppendInt(text_, report.step);
  text_ += "}\n";
  WriteOut();
}

void FactReporter::Ended(std::int64_t step, const Outcome& outcome) {
  AppendPacked();
  if (outcome.kind == OutcomeKind::kFailed) {
    text_ += "{\"f\":\"failure\",\"kind\":";
    text_ += JsonQuote(FailureName(outcome.failure));
    text_ += ",\"detail\":" + JsonQuote(outcome.detail) + "}\n";
  } else {
    text_ += "{\"f\":\"final\",\"step\":";
    AppendInt(text_, step);
    text_ += outcome.kind == OutcomeKind::kReleased ? ",\"outcome\":\"released\""
                                                    : ",\"outcome\":\"succeeded\"";
    if (!outcome.detail.empty()) text_ += ",\"detail\":" + JsonQuote(outcome.detail);
    text_ += "}\n";
  }
  WriteOut();
}

void FactReporter::WriteOut() {
  std::size_t written = 0;
  while (written < text_.size() && !reader_gone_) {
    ssize_t count = write(fd_, text_.data() + written, text_.size() - written);
    if (count >= 0) {
      written += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN) {
      pollfd wait_for{fd_, POLLOUT, 0};
      poll(&wait_for, 1, -1);
    } else if (errno != EINTR) {
      reader_gone_ = true;
    }
  }
  text_.clear();
  flushed_ = std::chrono::steady_clock::now();
}

}  // namespace fusor
