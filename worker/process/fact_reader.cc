#include "worker/process/fact_reader.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>

#include "common/base/limits.h"

namespace fusor::agent {

namespace {

// Points packed into one fact share one time, so they must be close, and few enough to send.
constexpr std::int64_t kPackedWithinMs = 1'000;
constexpr std::size_t kPackedPointsMax = 4'096;

bool Strings(JsonCursor& in, std::vector<std::string>& out) {
  if (!in.BeginArray()) return false;
  while (in.NextElement()) {
    if (!in.String(out.emplace_back())) return false;
  }
  return in.ok();
}

bool Ints(JsonCursor& in, std::vector<std::int64_t>& out) {
  if (!in.BeginArray()) return false;
  while (in.NextElement()) {
    if (!in.Int(out.emplace_back())) return false;
  }
  return in.ok();
}

bool Doubles(JsonCursor& in, std::vector<double>& out) {
  if (!in.BeginArray()) return false;
  while (in.NextElement()) {
    if (!in.Double(out.emplace_back())) return false;
  }
  return in.ok();
}

bool NameIsFine(const std::string& name) {
  return !name.empty() && name.size() <= limits::kMetricNameBytesMax;
}

}  // namespace

void FactReader::Said::Clear() {
  kind.clear();
  step = steps = epoch = time_ms = 0;
  resumed_from = -1;
  bit_exact = true;
  phase.clear();
  what.clear();
  name.clear();
  detail.clear();
  outcome.clear();
  files.clear();
  names.clear();
  steps_list.clear();
  value_count = 0;
  columns.clear();
  info.clear();
  values_are_columns = false;
}

void FactReader::Read(std::string_view bytes, std::int64_t now_ms) {
  now_ms_ = now_ms;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    if (end == std::string_view::npos || !partial_.empty()) {
      if (!skipping_) partial_.append(piece);
      if (partial_.size() > kFactLineBytesMax) {
        if (!skipping_) sink_.bad_line(partial_, "longer than a fact may be");
        partial_.clear();
        skipping_ = true;
      }
      if (end == std::string_view::npos) break;
    }
    if (std::exchange(skipping_, false)) {
      partial_.clear();
      continue;
    }
    if (partial_.empty()) {
      Line(piece);
    } else {
      Line(partial_);
      partial_.clear();
    }
  }
  FlushMetrics();
}

void FactReader::Finish(std::int64_t now_ms) {
  now_ms_ = now_ms;
  if (!partial_.empty()) Line(std::exchange(partial_, {}));
  FlushMetrics();
}

void FactReader::Line(std::string_view line) {
  if (line.empty() || contract_wrong_) return;
  std::string_view why = "not a JSON object of the contract";
  if (!Parse(line, why)) sink_.bad_line(line, why);
}

bool FactReader::Parse(std::string_view line, std::string_view& why) {
  JsonCursor in(line);
  said_.Clear();
  if (!contract_said_) return Contract(in, why);
  return Fields(in) && in.AtEnd() && Deliver(why);
}

bool FactReader::Contract(JsonCursor& in, std::string_view& why) {
  contract_said_ = true;
  std::int64_t contract = 0;
  std::string_view key;
  for (bool more = in.BeginObject(); more && in.NextKey(key);) {
    more = key == "contract" ? in.Int(contract) : in.Skip();
  }
  if (in.AtEnd() && contract == 1) return true;
  contract_wrong_ = true;
  why = "the first line must be {\"contract\":1}: nothing of this process is understood";
  sink_.failure(Failure::kCrashedException, std::string(why));
  return false;
}

bool FactReader::Fields(JsonCursor& in) {
  std::string_view key;
  if (!in.BeginObject()) return false;
  while (in.NextKey(key)) {
    if (!Field(in, key)) return false;
  }
  return in.ok();
}

bool FactReader::Field(JsonCursor& in, std::string_view key) {
  if (key == "f") return in.String(said_.kind);
  if (key == "step") return in.Int(said_.step);
  if (key == "v") return Values(in);
  if (key == "t") return in.Int(said_.time_ms);
  if (key == "steps") return in.Peek() == '[' ? Ints(in, said_.steps_list) : in.Int(said_.steps);
  if (key == "epoch") return in.Int(said_.epoch);
  if (key == "phase") return in.String(said_.phase);
  if (key == "names") return Strings(in, said_.names);
  if (key == "files") return Strings(in, said_.files);
  if (key == "kind") return in.String(said_.what);
  if (key == "name") return in.String(said_.name);
  if (key == "detail") return in.String(said_.detail);
  if (key == "outcome") return in.String(said_.outcome);
  if (key == "resumed_from_step") return in.Int(said_.resumed_from);
  if (key == "bit_exact") return in.Bool(said_.bit_exact);
  if (key == "info") return Info(in);
  return in.Skip();
}

bool FactReader::Values(JsonCursor& in) {
  if (in.Peek() == '[') return Columns(in);
  if (!in.BeginObject()) return false;
  std::string_view key;
  while (in.NextKey(key)) {
    if (said_.value_count == said_.values.size()) said_.values.emplace_back();
    auto& [name, value] = said_.values[said_.value_count++];
    name.assign(key);
    if (!in.Double(value)) return false;
  }
  return in.ok();
}

bool FactReader::Columns(JsonCursor& in) {
  said_.values_are_columns = true;
  if (!in.BeginArray()) return false;
  while (in.NextElement()) {
    if (!Doubles(in, said_.columns.emplace_back())) return false;
  }
  return in.ok();
}

bool FactReader::Info(JsonCursor& in) {
  if (!in.BeginObject()) return false;
  std::string_view key;
  while (in.NextKey(key)) {
    std::string name(key);
    if (!in.String(said_.info[std::move(name)])) return false;
  }
  return in.ok();
}

bool FactReader::Deliver(std::string_view& why) {
  if (said_.time_ms == 0) said_.time_ms = now_ms_;
  if (said_.kind == "metrics") return DeliverMetrics(why);
  FlushMetrics();
  if (said_.kind == "progress") {
    sink_.fact(ProgressFact{said_.step, said_.steps, said_.epoch, said_.phase});
  } else if (said_.kind == "columns") {
    return DeliverColumns(why);
  } else if (said_.kind == "evaluation") {
    EvaluationFact fact{.step = said_.step, .epoch = said_.epoch, .time_ms = said_.time_ms};
    for (std::size_t i = 0; i < said_.value_count; ++i) {
      if (!NameIsFine(said_.values[i].first)) {
        why = "a metric's name is empty or too long";
        return false;
      }
      fact.values.insert(said_.values[i]);
    }
    sink_.fact(std::move(fact));
  } else if (said_.kind == "started") {
    sink_.fact(StartedFact{
        .resumed_from_step = said_.resumed_from, .bit_exact = said_.bit_exact, .info = said_.info});
  } else if (said_.kind == "checkpoint") {
    sink_.files({.checkpoint = true, .step = said_.step, .names = said_.files});
  } else if (said_.kind == "artifact") {
    sink_.files({.kind = said_.what, .step = said_.step, .names = {said_.name}});
  } else if (said_.kind == "failure") {
    const std::optional<Failure> failure = FailureFromName(said_.what);
    sink_.failure(failure.value_or(Failure::kCrashedException), said_.detail);
  } else if (said_.kind == "final" && said_.outcome == "succeeded") {
    sink_.final(OutcomeKind::kSucceeded, said_.step, said_.detail);
  } else if (said_.kind == "final" && said_.outcome == "released") {
    sink_.final(OutcomeKind::kReleased, said_.step, said_.detail);
  } else {
    why = "not a fact of the contract";
    return false;
  }
  return true;
}

bool FactReader::DeliverMetrics(std::string_view& why) {
  const std::size_t count = said_.value_count;
  if (said_.values_are_columns || count == 0) {
    why = "metrics without values";
    return false;
  }
  const auto same_names = [&] {
    if (metrics_.names.size() != count) return false;
    for (std::size_t i = 0; i < count; ++i) {
      if (metrics_.names[i] != said_.values[i].first) return false;
    }
    return true;
  };
  const bool packs = !metrics_.steps.empty() && metrics_.steps.size() * count < kPackedPointsMax &&
                     std::abs(said_.time_ms - metrics_.time_ms) <= kPackedWithinMs && same_names();
  if (!packs) {
    FlushMetrics();
    for (std::size_t i = 0; i < count; ++i) {
      if (NameIsFine(said_.values[i].first)) continue;
      why = "a metric's name is empty or too long";
      return false;
    }
    metrics_.time_ms = said_.time_ms;
    for (std::size_t i = 0; i < count; ++i) metrics_.names.push_back(said_.values[i].first);
    metrics_.values.resize(count);
  }
  metrics_.steps.push_back(said_.step);
  for (std::size_t i = 0; i < count; ++i) metrics_.values[i].push_back(said_.values[i].second);
  return true;
}

bool FactReader::DeliverColumns(std::string_view& why) {
  const bool fits =
      said_.columns.size() == said_.names.size() && !said_.names.empty() &&
      !said_.steps_list.empty() &&
      std::all_of(said_.columns.begin(), said_.columns.end(),
                  [&](const auto& column) { return column.size() == said_.steps_list.size(); });
  if (!fits || !std::all_of(said_.names.begin(), said_.names.end(), NameIsFine)) {
    why = "columns that do not fit their names and steps";
    return false;
  }
  sink_.fact(MetricsFact{.names = std::move(said_.names),
                         .steps = std::move(said_.steps_list),
                         .values = std::move(said_.columns),
                         .time_ms = said_.time_ms});
  return true;
}

void FactReader::FlushMetrics() {
  if (metrics_.steps.empty()) return;
  sink_.fact(std::exchange(metrics_, {}));
}

}  // namespace fusor::agent
