#include "client/view/gains_view.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <vector>

#include "client/format/table.h"
#include "client/format/text.h"
#include "client/view/convert.h"

namespace fusor::client {

namespace {

constexpr int kWhole = 0;  // the places of a gains table's metrics
constexpr int kMean = 1;
constexpr int kBest = 2;
constexpr int kOverMean = 3;
constexpr int kOverBest = 4;

// "expert" of "expert_mean".
std::string PartOf(const v1::ResultTable& table) {
  const std::string& name = table.metrics(kMean);
  return name.substr(0, name.rfind('_'));
}

std::string Formatted(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

// With the interval over the seeds, where there are several.
Cell GainCell(const v1::ResultValue& gain, const Look& look) {
  std::string text = Formatted("%+.2f", gain.mean());
  if (gain.count() > 1) {
    text += " " + std::string(look.plus_minus()) + Formatted(" %.2f", gain.interval());
  }
  const bool sure = gain.count() > 1 && std::abs(gain.mean()) > gain.interval();
  const Style style = !sure ? Style::kPlain : gain.mean() > 0 ? Style::kGood : Style::kBad;
  return Cell(Json(), std::move(text), style);
}

std::string GainTableText(const v1::ResultTable& table, const Look& look) {
  const std::string part = PartOf(table);
  Table out;
  for (const std::string& axis : table.axes()) out.columns.push_back({axis, axis, false, true});
  out.columns.push_back({"ran_in", "ran in"});
  for (const std::string& name :
       {"best " + part, "mean " + part, table.stage(), std::string("gain over mean"),
        std::string("over best"), std::string("seeds")}) {
    out.columns.push_back({name, name, true});
  }
  for (const v1::ResultRow& row : table.rows()) {
    if (row.values_size() <= kOverBest) continue;
    Row cells;
    for (int i = 0; i < table.axes_size(); ++i) {
      cells.emplace_back(i < row.axis_values_size() ? row.axis_values(i) : "");
    }
    cells.emplace_back(row.precision_used(), row.precision_used(), Style::kWarn);
    for (const int place : {kBest, kMean, kWhole}) {
      cells.emplace_back(Json(), Formatted("%.2f%%", 100 * row.values(place).mean()),
                         Style::kPlain);
    }
    cells.push_back(GainCell(row.values(kOverMean), look));
    cells.push_back(GainCell(row.values(kOverBest), look));
    cells.emplace_back(Json(), std::to_string(row.values(kWhole).count()));
    out.rows.push_back(std::move(cells));
  }
  return RenderTable(out, look);
}

Row GainFields(const v1::ResultTable& table, const v1::ResultRow& row,
               const std::vector<std::string>& axes) {
  Row fields = {table.stage()};
  for (const std::string& axis : axes) {
    const auto at = std::find(table.axes().begin(), table.axes().end(), axis);
    const auto index = static_cast<int>(at - table.axes().begin());
    fields.emplace_back(index < row.axis_values_size() ? Json(row.axis_values(index)) : Json(), "");
  }
  fields.emplace_back(row.precision_used());
  fields.emplace_back(table.metrics(kWhole));
  fields.emplace_back(row.values(kWhole).mean(), "");
  fields.emplace_back(PartOf(table));
  for (const int place : {kMean, kBest}) fields.emplace_back(row.values(place).mean(), "");
  for (const int place : {kOverMean, kOverBest}) {
    fields.emplace_back(row.values(place).mean(), "");
    fields.emplace_back(row.values(place).interval(), "");
  }
  fields.emplace_back(row.values(kWhole).count(), "");
  fields.emplace_back(Join(TrialIds(table, row), ","));
  return fields;
}

std::string CellText(const v1::ExpectationResult& result, const v1::ResultRow& row) {
  std::vector<std::string> parts;
  for (int i = 0; i < std::min(result.axes_size(), row.axis_values_size()); ++i) {
    parts.push_back(result.axes(i) + "=" + row.axis_values(i));
  }
  const bool has = row.values_size() > 0 && row.values(0).count() > 0;
  return (parts.empty() ? result.stage() : Join(parts, " ")) + ": " +
         (has ? NumberText(row.values(0).mean()) : "no value");
}

}  // namespace

std::string GainsText(const v1::ResultsResponse& response, const Look& look) {
  std::string out;
  for (const v1::ResultTable& table : response.gains()) {
    if (table.metrics_size() <= kOverBest) continue;
    out +=
        look.Paint(table.stage() + " against its " + PartOf(table) + "s, " + table.metrics(kWhole) +
                       "; gains in points, with 95% intervals over seeds",
                   Style::kStrong) +
        "\n" + GainTableText(table, look) + "\n";
  }
  return out;
}

Table GainsList(const v1::ResultsResponse& response) {
  std::vector<std::string> axes;
  for (const v1::ResultTable& table : response.gains()) {
    for (const std::string& axis : table.axes()) {
      if (std::find(axes.begin(), axes.end(), axis) == axes.end()) axes.push_back(axis);
    }
  }
  Table list;
  const auto columns = [&list](std::initializer_list<const char*> keys) {
    for (const char* key : keys) list.columns.push_back({key, ""});
  };
  columns({"stage"});
  for (const std::string& axis : axes) list.columns.push_back({axis, ""});
  columns({"precision_used", "metric", "value", "part", "part_mean", "part_best", "gain_over_mean",
           "gain_over_mean_interval", "gain_over_best", "gain_over_best_interval", "seeds",
           "trials"});
  list.id_column = list.columns.size() - 1;
  for (const v1::ResultTable& table : response.gains()) {
    if (table.metrics_size() <= kOverBest) continue;
    for (const v1::ResultRow& row : table.rows()) {
      if (row.values_size() > kOverBest) list.rows.push_back(GainFields(table, row, axes));
    }
  }
  return list;
}

std::vector<std::string> GainTrials(const v1::ResultsResponse& response) {
  std::vector<std::string> ids;
  for (const v1::ResultTable& table : response.gains()) {
    for (const v1::ResultRow& row : table.rows()) {
      for (std::string& id : TrialIds(table, row)) ids.push_back(std::move(id));
    }
  }
  return ids;
}

std::string ExpectationsText(const v1::ResultsResponse& response, const Look& look) {
  std::string out;
  for (const v1::ExpectationResult& result : response.expectations()) {
    const std::string what = result.stage() + ": " + result.metric() + " " + result.condition();
    const std::uint64_t all = std::uint64_t{result.met()} + result.missed() + result.open();
    if (result.missed() > 0) {
      out += look.Paint("missed  " + what, Style::kBad) + "  by " +
             std::to_string(result.missed()) + " of " + CountOf(all, "cell") + "\n";
      for (const v1::ResultRow& row : result.missed_rows()) {
        out += "        " + CellText(result, row) + "\n";
      }
    } else if (result.open() > 0) {
      out += look.Paint("open    " + what, Style::kFaint) + "  " + std::to_string(result.met()) +
             " of " + CountOf(all, "cell") + " so far\n";
    } else {
      out += look.Paint("met     " + what, Style::kGood) + "  by all of " + CountOf(all, "cell") +
             "\n";
    }
  }
  return out.empty() ? out : out + "\n";
}

Json ExpectationsJson(const v1::ResultsResponse& response) {
  Json list = Json::Array();
  for (const v1::ExpectationResult& result : response.expectations()) {
    Json missed = Json::Array();
    for (const v1::ResultRow& row : result.missed_rows()) missed.Add(CellText(result, row));
    Json json = Json::Object();
    json.Set("stage", result.stage()).Set("metric", result.metric());
    json.Set("condition", result.condition()).Set("met", result.met());
    json.Set("missed", result.missed()).Set("open", result.open()).Set("missed_cells", missed);
    list.Add(json);
  }
  return list;
}

bool IsMissed(const v1::ResultsResponse& response) {
  return std::any_of(response.expectations().begin(), response.expectations().end(),
                     [](const v1::ExpectationResult& result) { return result.missed() > 0; });
}

}  // namespace fusor::client
