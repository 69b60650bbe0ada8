#include "client/view/results_view.h"

#include <algorithm>
#include <cmath>

#include "client/format/text.h"
#include "client/view/convert.h"
#include "client/view/gains_view.h"

namespace fusor::client {

namespace {

// A metric's column of one table: decimals that show two digits of the smallest spread.
struct MetricFormat {
  double spread = 0;  // the smallest above zero; 0 = no row has one
};

const v1::ResultValue* ValueOf(const v1::ResultRow& row, const std::string& metric) {
  for (const v1::ResultValue& value : row.values()) {
    if (value.metric() == metric && value.count() > 0) return &value;
  }
  return nullptr;
}

std::string ValueText(const v1::ResultValue& value, const Look& look) {
  return value.count() > 1 ? MeanText(value.mean(), value.spread(), look.plus_minus())
                           : NumberText(value.mean());
}

// "3/3": seeds that succeeded of all; a failed or open one is worth a look.
Cell SeedsCell(const v1::ResultRow& row) {
  const std::uint64_t all = std::uint64_t{row.succeeded()} + row.failed() + row.open();
  std::string text = std::to_string(row.succeeded()) + "/" + std::to_string(all);
  const Style style = row.failed() > 0 ? Style::kBad
                      : row.open() > 0 ? Style::kFaint
                                       : Style::kPlain;
  return Cell(row.succeeded(), std::move(text), style);
}

std::string StageTableText(const v1::ResultTable& table, const Look& look) {
  Table out;
  for (const std::string& axis : table.axes()) out.columns.push_back({axis, axis, false, true});
  out.columns.push_back({"ran_in", "ran in"});
  for (const std::string& metric : table.metrics()) out.columns.push_back({metric, metric, true});
  out.columns.push_back({"succeeded", "seeds", true});
  out.columns.push_back({"time", "time", true});
  out.columns.push_back({"trial", "trial"});
  bool is_best = true;
  for (const v1::ResultRow& row : table.rows()) {
    Row cells;
    for (int i = 0; i < table.axes_size(); ++i) {
      cells.emplace_back(i < row.axis_values_size() ? row.axis_values(i) : "");
    }
    cells.emplace_back(row.precision_used(), row.precision_used(), Style::kWarn);
    for (const std::string& metric : table.metrics()) {
      const v1::ResultValue* value = ValueOf(row, metric);
      const bool first = is_best && metric == table.metrics(0) && table.rows_size() > 1;
      cells.emplace_back(Json(), value == nullptr ? "" : ValueText(*value, look),
                         first ? Style::kGood : Style::kPlain);
    }
    is_best = false;
    cells.push_back(SeedsCell(row));
    const Duration running = FromProto(row.running());
    cells.emplace_back(Json(), running.count() > 0 ? DurationText(running) : "", Style::kFaint);
    const std::string trial = row.trials_size() == 1 ? TrialIds(table, row).front() : "";
    cells.emplace_back(Json(), trial, Style::kFaint);
    out.rows.push_back(std::move(cells));
  }
  return RenderTable(out, look);
}

std::string SummaryText(const v1::ResultsResponse& response, const Look& look) {
  std::vector<std::string> parts;
  parts.push_back("wall time " + DurationText(FromProto(response.wall())));
  parts.push_back("sum of trial times " + DurationText(FromProto(response.running_sum())));
  if (response.speed_up() > 0) {
    parts.push_back("speed-up " + NumberText(std::round(response.speed_up() * 100) / 100) + "x");
  }
  if (response.slot_utilisation() > 0) {
    parts.push_back("slots used " + PercentText(response.slot_utilisation()));
  }
  return Join(parts, look.dot()) + "\n";
}

Json ValueJson(const v1::ResultValue& value) {
  Json json = Json::Object();
  json.Set("count", value.count()).Set("mean", value.mean()).Set("spread", value.spread());
  json.Set("min", value.min()).Set("max", value.max()).Set("interval", value.interval());
  return json;
}

Json RowJson(const v1::ResultRow& row, const v1::ResultTable& table) {
  Json json = Json::Object();
  Json axes = Json::Object();
  for (int i = 0; i < std::min(table.axes_size(), row.axis_values_size()); ++i) {
    axes.Set(table.axes(i), row.axis_values(i));
  }
  Json values = Json::Object();
  for (const v1::ResultValue& value : row.values()) {
    if (value.count() > 0) values.Set(value.metric(), ValueJson(value));
  }
  json.Set("axes", axes).Set("precision_used", row.precision_used()).Set("values", values);
  json.Set("succeeded", row.succeeded()).Set("failed", row.failed()).Set("open", row.open());
  json.Set("seconds", SecondsJson(FromProto(row.running())));
  json.Set("trials", Json::Texts(TrialIds(table, row)));
  return json;
}

Json TablesJson(const google::protobuf::RepeatedPtrField<v1::ResultTable>& tables) {
  Json list = Json::Array();
  for (const v1::ResultTable& table : tables) {
    Json entry = Json::Object();
    entry.Set("stage", table.stage());
    entry.Set("axes", Json::Texts({table.axes().begin(), table.axes().end()}));
    entry.Set("metrics", Json::Texts({table.metrics().begin(), table.metrics().end()}));
    Json rows = Json::Array();
    for (const v1::ResultRow& row : table.rows()) rows.Add(RowJson(row, table));
    entry.Set("rows", rows);
    list.Add(entry);
  }
  return list;
}

}  // namespace

std::string ResultsText(const v1::ResultsResponse& response, const Look& look) {
  std::string out;
  for (const v1::ResultTable& table : response.tables()) {
    if (table.rows_size() == 0) continue;
    if (response.tables_size() > 1) out += look.Paint(table.stage(), Style::kStrong) + "\n";
    out += StageTableText(table, look) + "\n";
  }
  if (out.empty()) out = "no results yet\n\n";
  return out + GainsText(response, look) + ExpectationsText(response, look) +
         SummaryText(response, look);
}

Json ResultsJson(const v1::ResultsResponse& response) {
  Json json = Json::Object();
  json.Set("tables", TablesJson(response.tables())).Set("gains", TablesJson(response.gains()));
  json.Set("expectations", ExpectationsJson(response)).Set("complete", response.complete());
  json.Set("wall_seconds", SecondsJson(FromProto(response.wall())));
  json.Set("running_seconds", SecondsJson(FromProto(response.running_sum())));
  json.Set("speed_up", response.speed_up());
  json.Set("slot_utilisation", response.slot_utilisation());
  return json;
}

std::vector<std::string> ResultTrials(const v1::ResultsResponse& response) {
  std::vector<std::string> ids;
  for (const v1::ResultTable& table : response.tables()) {
    for (const v1::ResultRow& row : table.rows()) {
      for (std::string& id : TrialIds(table, row)) ids.push_back(std::move(id));
    }
  }
  return ids;
}

bool HasMetric(const v1::ResultsResponse& response, const std::string& metric) {
  for (const v1::ResultTable& table : response.tables()) {
    for (const v1::ResultRow& row : table.rows()) {
      if (ValueOf(row, metric) != nullptr) return true;
    }
  }
  return false;
}

Table ResultsList(const v1::ResultsResponse& response) {
  std::vector<std::string> axes;
  std::vector<std::string> metrics;
  const auto add_new = [](std::vector<std::string>& names, const auto& more) {
    for (const std::string& name : more) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  };
  for (const v1::ResultTable& table : response.tables()) {
    add_new(axes, table.axes());
    add_new(metrics, table.metrics());
  }
  Table list;
  list.columns.push_back({"stage", ""});
  for (const std::string& axis : axes) list.columns.push_back({axis, ""});
  list.columns.push_back({"precision_used", ""});
  for (const std::string& metric : metrics) {
    list.columns.push_back({metric, ""});
    list.columns.push_back({metric + "_spread", ""});
  }
  for (const char* key : {"succeeded", "failed", "open", "seconds"})
    list.columns.push_back({key, ""});
  list.id_column = list.columns.size();
  list.columns.push_back({"trials", ""});
  for (const v1::ResultTable& table : response.tables()) {
    for (const v1::ResultRow& row : table.rows()) {
      Row cells = {table.stage()};
      for (const std::string& axis : axes) {
        const auto at = std::find(table.axes().begin(), table.axes().end(), axis);
        const auto index = static_cast<int>(at - table.axes().begin());
        cells.emplace_back(index < row.axis_values_size() ? Json(row.axis_values(index)) : Json(),
                           "");
      }
      cells.emplace_back(row.precision_used());
      for (const std::string& metric : metrics) {
        const v1::ResultValue* value = ValueOf(row, metric);
        cells.emplace_back(value == nullptr ? Json() : Json(value->mean()), "");
        cells.emplace_back(value == nullptr ? Json() : Json(value->spread()), "");
      }
      for (const std::uint32_t count : {row.succeeded(), row.failed(), row.open()}) {
        cells.emplace_back(count, "");
      }
      cells.emplace_back(SecondsJson(FromProto(row.running())), "");
      cells.emplace_back(Join(TrialIds(table, row), ","));
      list.rows.push_back(std::move(cells));
    }
  }
  return list;
}

}  // namespace fusor::client
