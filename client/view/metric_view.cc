#include "client/view/metric_view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "client/format/clock.h"
#include "client/format/text.h"
#include "client/view/convert.h"

namespace fusor::client {

namespace {

// What an agent samples has the second since 1970 as its step, which is no number to look at.
std::string StepText(const std::string& series, std::int64_t step) {
  constexpr std::int64_t kMomentMin = 1'000'000'000;
  return series.starts_with("system/") && step > kMomentMin ? "" : std::to_string(step);
}

}  // namespace

Table SeriesTable() {
  Table table;
  table.columns = {{"name", "METRIC"},     {"points", "POINTS", true}, {"last_step", "STEP", true},
                   {"last", "LAST", true}, {"min", "MIN", true},       {"max", "MAX", true}};
  return table;
}

Row SeriesRow(const v1::Series& series) {
  Row row;
  row.emplace_back(series.name());
  row.emplace_back(series.points(), CountText(series.points()));
  row.emplace_back(series.last_step(), StepText(series.name(), series.last_step()), Style::kFaint);
  row.emplace_back(series.last(), NumberText(series.last()), Style::kStrong);
  row.emplace_back(series.min(), NumberText(series.min()));
  row.emplace_back(series.max(), NumberText(series.max()));
  return row;
}

Table PointTable() {
  Table table;
  table.columns = {{"name", "METRIC"},
                   {"step", "STEP", true},
                   {"value", "VALUE", true},
                   {"attempt", "ATTEMPT", true},
                   {"time", "TIME"}};
  return table;
}

double PointValue(const v1::Points& points, int index) {
  const auto code =
      index < points.nonfinite_size() ? points.nonfinite(index) : v1::NONFINITE_UNSPECIFIED;
  switch (code) {
    case v1::NONFINITE_NAN:
      return std::numeric_limits<double>::quiet_NaN();
    case v1::NONFINITE_POSITIVE_INFINITY:
      return std::numeric_limits<double>::infinity();
    case v1::NONFINITE_NEGATIVE_INFINITY:
      return -std::numeric_limits<double>::infinity();
    default:
      return points.values(index);
  }
}

std::vector<Row> PointRows(const v1::Points& points) {
  std::vector<Row> rows;
  const int count = std::min(points.steps_size(), points.values_size());
  for (int i = 0; i < count; ++i) {
    const double value = PointValue(points, i);
    const std::uint32_t attempt = i < points.attempt_numbers_size() ? points.attempt_numbers(i) : 0;
    const Time time = i < points.time_ms_size() ? FromUnixMillis(points.time_ms(i)) : kNever;
    Row row;
    row.emplace_back(points.name());
    row.emplace_back(points.steps(i), StepText(points.name(), points.steps(i)));
    row.emplace_back(value, NumberText(value));
    row.emplace_back(attempt, std::to_string(attempt), Style::kFaint);
    row.emplace_back(TimeJson(time), ClockText(time), Style::kFaint);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string Sparkline(const std::vector<double>& values, std::size_t columns, const Look& look) {
  if (!look.unicode || columns == 0) return "";
  std::vector<double> finite;
  std::copy_if(values.begin(), values.end(), std::back_inserter(finite),
               [](double value) { return std::isfinite(value); });
  if (finite.size() < 2) return "";
  columns = std::min(columns, finite.size());
  const auto [low, high] = std::minmax_element(finite.begin(), finite.end());
  const double range = *high - *low;
  constexpr std::array<std::string_view, 8> kLevels = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::string line;
  for (std::size_t column = 0; column < columns; ++column) {
    // Each column shows the mean of its share of the points.
    const std::size_t from = column * finite.size() / columns;
    const std::size_t to = std::max(from + 1, (column + 1) * finite.size() / columns);
    double sum = 0;
    for (std::size_t i = from; i < to; ++i)
      sum += (finite[i] - *low) / static_cast<double>(to - from);
    const double level = range > 0 ? sum / range * 7.999 : 0;
    line += kLevels.at(static_cast<std::size_t>(std::clamp(level, 0.0, 7.0)));
  }
  return look.Paint(line, Style::kActive);
}

}  // namespace fusor::client
