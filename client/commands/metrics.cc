#include <ostream>

#include "client/commands/commands.h"
#include "client/commands/options.h"
#include "client/commands/session.h"
#include "client/format/text.h"
#include "client/link/metric_reader.h"
#include "client/link/resolve.h"
#include "client/view/metric_view.h"

namespace fusor::client {

namespace {

constexpr std::size_t kChartColumns = 60;
constexpr std::size_t kPointsShown = 20;  // of each series in the table

std::vector<std::string> Names(const Session& session) {
  std::vector<std::string> names;
  for (const std::string& words : session.arguments().List("name")) {
    for (const std::string& name : Split(words, ',')) {
      if (!Trim(name).empty()) names.emplace_back(Trim(name));
    }
  }
  return names;
}

// A chart and the last points of every series.
Status ShowSeries(Session& session, Api& api, const MetricQuestion& question) {
  Table table = PointTable();
  std::string name;
  std::vector<double> values;
  std::vector<Row> rows;
  const auto finish_series = [&] {
    if (rows.empty()) return;
    session.out() << session.look().Paint(name, Style::kStrong) << "  "
                  << CountOf(rows.size(), "point") << "\n";
    const std::string chart = Sparkline(values, kChartColumns, session.look());
    if (!chart.empty()) session.out() << chart << "\n";
    table.rows.assign(rows.end() - static_cast<std::ptrdiff_t>(std::min(rows.size(), kPointsShown)),
                      rows.end());
    session.out() << RenderTable(table, session.look()) << "\n";
    rows.clear();
    values.clear();
  };
  Status status = ReadPoints(api, question, [&](const v1::Points& points) {
    if (points.name() != name) finish_series();
    name = points.name();
    for (int i = 0; i < points.values_size(); ++i) values.push_back(PointValue(points, i));
    for (Row& row : PointRows(points)) rows.push_back(std::move(row));
  });
  finish_series();
  return status;
}

Result<int> Run(Session& session) {
  const Result<Api*> api = session.Connect();
  if (!api.ok()) return api.status();
  const Result<std::string> id = ResolveTrial(**api, session.arguments().Text("TRIAL"));
  if (!id.ok()) return id.status();
  MetricQuestion question;
  question.trial = *id;
  question.names = Names(session);
  question.include_superseded = session.arguments().Flag("superseded");
  const bool wants_points = !question.names.empty() || session.output() == Output::kCsv;
  if (!wants_points) {
    const Result<std::vector<v1::Series>> series = ListSeries(**api, *id);
    if (!series.ok()) return series.status();
    Table table = SeriesTable();
    for (const v1::Series& each : *series) table.rows.push_back(SeriesRow(each));
    if (table.rows.empty() && session.for_people()) {
      session.out() << "no metrics yet\n";
      return kExitOk;
    }
    WriteTable(session.out(), session.output(), session.look(), table);
    session.Next({"fusor metrics " + *id + " --name NAME  # its points",
                  "fusor metrics " + *id + " -o csv  # every point"});
    return kExitOk;
  }
  if (session.for_people()) {
    RETURN_IF_ERROR(ShowSeries(session, **api, question));
    return kExitOk;
  }
  TableWriter writer(session.out(), session.output(), session.look(), PointTable());
  RETURN_IF_ERROR(ReadPoints(**api, question, [&](const v1::Points& points) {
    for (Row& row : PointRows(points)) writer.Add(std::move(row));
  }));
  writer.Finish();
  return kExitOk;
}

}  // namespace

CommandSpec MetricsCommand() {
  CommandSpec spec;
  spec.name = "metrics";
  spec.topic = Topic::kLook;
  spec.help = "a trial's metrics: the list of series, or their points";
  spec.arguments = {TrialArgument()};
  spec.options = {
      {.name = "name",
       .letter = 'm',
       .takes = Takes::kText,
       .value_name = "A,B",
       .help = "the points of these series",
       .repeatable = true},
      {.name = "superseded", .help = "with points that a later attempt computed again"}};
  spec.outputs = {Output::kTable, Output::kJson, Output::kCsv, Output::kId};
  spec.notes = "-o csv without --name: every point of every series.\n";
  spec.run = Run;
  return spec;
}

}  // namespace fusor::client
