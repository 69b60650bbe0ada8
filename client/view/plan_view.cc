#include "client/view/plan_view.h"

#include <algorithm>

#include "client/format/problem.h"
#include "client/format/table.h"
#include "client/format/text.h"
#include "client/format/width.h"
#include "client/view/convert.h"

namespace fusor::client {

namespace {

std::string ExclusionsText(const v1::PlannedStage& stage, std::size_t width, const Look& look) {
  std::string out;
  for (const v1::PlannedExclusion& exclusion : stage.exclusions()) {
    out += "  " + look.Paint(PadRight(stage.name(), width), Style::kStrong) + "  " +
           CountOf(exclusion.cells(), "cell") + " by " + exclusion.rule() + "\n";
  }
  return out;
}

// One line per class of requirements: where it could run now, or what is missing.
std::string ClassesText(const v1::PlannedStage& stage, std::size_t width, const Look& look) {
  std::string out;
  for (const v1::PlannedClass& each : stage.classes()) {
    const bool fits = each.slots_fitting() > 0;
    out += "  " + look.Paint(PadRight(stage.name(), width), Style::kStrong) + "  " +
           CountOf(each.trials(), "trial") + ", each " + each.requirement() + ": ";
    if (fits) {
      out += look.Paint(CountOf(each.slots_fitting(), "slot") + " on " +
                            CountOf(each.workers_fitting(), "worker"),
                        Style::kGood);
      if (each.fitting_size() > 0) {
        out += " (" + Join({each.fitting().begin(), each.fitting().end()}, ", ") + ")";
      }
    } else {
      out += look.Paint("no worker now", Style::kWarn);
    }
    out += "\n";
    if (fits) continue;
    for (const std::string& missing : each.missing())
      out += std::string(width + 6, ' ') + missing + "\n";
  }
  return out;
}

Json StageJson(const v1::PlannedStage& stage) {
  Json json = Json::Object();
  json.Set("name", stage.name()).Set("recipe", stage.recipe()).Set("cells", stage.cells());
  json.Set("trials", stage.trials());
  json.Set("needs", Json::Texts({stage.needs().begin(), stage.needs().end()}));
  Json exclusions = Json::Array();
  for (const v1::PlannedExclusion& exclusion : stage.exclusions()) {
    exclusions.Add(Json::Object().Set("rule", exclusion.rule()).Set("cells", exclusion.cells()));
  }
  json.Set("exclusions", exclusions);
  Json classes = Json::Array();
  for (const v1::PlannedClass& each : stage.classes()) {
    Json entry = Json::Object();
    entry.Set("requirement", each.requirement()).Set("trials", each.trials());
    entry.Set("workers_fitting", each.workers_fitting()).Set("slots_fitting", each.slots_fitting());
    entry.Set("fitting", Json::Texts({each.fitting().begin(), each.fitting().end()}));
    entry.Set("missing", Json::Texts({each.missing().begin(), each.missing().end()}));
    classes.Add(entry);
  }
  json.Set("classes", classes);
  return json;
}

}  // namespace

std::string PlanText(const v1::PlanResponse& plan, std::string_view file, const Look& look) {
  std::string out = look.Paint(plan.name(), Style::kStrong) + std::string(look.dot()) +
                    look.Paint(CountOf(plan.trials(), "trial"), Style::kStrong) +
                    std::string(look.dot()) + std::string(file) + "\n\n";
  Table table;
  table.columns = {{"stage", "STAGE"},         {"recipe", "RECIPE"},
                   {"cells", "CELLS", true},   {"excluded", "EXCLUDED", true},
                   {"trials", "TRIALS", true}, {"needs", "NEEDS"}};
  std::string exclusions;
  std::string classes;
  std::size_t width = 0;  // of the longest stage's name
  for (const v1::PlannedStage& stage : plan.stages()) {
    width = std::max(width, DisplayWidth(stage.name()));
  }
  for (const v1::PlannedStage& stage : plan.stages()) {
    const std::uint64_t excluded = stage.cells() - std::min(stage.cells(), stage.trials());
    table.rows.push_back({Cell(Json(), stage.name(), Style::kStrong), stage.recipe(),
                          CountText(stage.cells()), excluded == 0 ? "" : CountText(excluded),
                          CountText(stage.trials()),
                          Join({stage.needs().begin(), stage.needs().end()}, ", ")});
    exclusions += ExclusionsText(stage, width, look);
    classes += ClassesText(stage, width, look);
  }
  out += RenderTable(table, look);
  if (!exclusions.empty()) out += "\nexcluded\n" + exclusions;
  if (plan.workers_asked() && !classes.empty()) out += "\nwhere it can run now\n" + classes;
  if (!plan.workers_asked()) {
    out += "\nno workers were asked: no coordinator is running\n";
  }
  return out;
}

Table PlanTable(const v1::PlanResponse& plan) {
  Table table;
  table.columns = {{"stage", ""}, {"recipe", ""}, {"cells", ""}, {"trials", ""}, {"needs", ""}};
  for (const v1::PlannedStage& stage : plan.stages()) {
    table.rows.push_back({stage.name(), stage.recipe(), Cell(stage.cells(), ""),
                          Cell(stage.trials(), ""),
                          Join({stage.needs().begin(), stage.needs().end()}, ", ")});
  }
  return table;
}

Json PlanJson(const v1::PlanResponse& plan, std::string_view file) {
  Json json = Json::Object();
  json.Set("problems", ProblemsJson(plan.problems(), file));
  json.Set("name", plan.name()).Set("trials", plan.trials());
  json.Set("workers_asked", plan.workers_asked());
  Json stages = Json::Array();
  for (const v1::PlannedStage& stage : plan.stages()) stages.Add(StageJson(stage));
  json.Set("stages", stages);
  return json;
}

std::string FileWarnings(const FileReport& report, const Look& look) {
  std::string out;
  for (const FileReport::Problem& problem : report.problems) {
    out += look.Paint("warning", Style::kWarn) + ": " + problem.stage + ": " + problem.text + "\n";
  }
  if (out.empty()) return out;
  return out + "so this machine sees the files; trials fail unless their workers see others\n";
}

std::string FilesText(const FileReport& report, const Look& look) {
  if (!report.any) return "";
  std::string out = "\nfiles that trials begin with, as this machine sees them\n";
  for (const FileReport::Problem& problem : report.problems) {
    out += "  " + look.Paint(problem.stage, Style::kStrong) + "  " +
           look.Paint(problem.text, Style::kWarn) + "\n";
  }
  if (report.problems.empty()) {
    out += report.contents ? "  all are there and fit\n" : "  all are there\n";
  }
  if (!report.contents) out += "  not looked into: no fusor-train beside this program did it\n";
  return out;
}

Json FilesJson(const FileReport& report) {
  Json json = Json::Object();
  json.Set("contents_checked", report.contents);
  Json problems = Json::Array();
  for (const FileReport::Problem& problem : report.problems) {
    problems.Add(Json::Object().Set("stage", problem.stage).Set("message", problem.text));
  }
  json.Set("problems", problems);
  return json;
}

std::string ProblemsText(const Problems& problems, std::string_view file, std::string_view source,
                         const Look& look) {
  std::string out;
  for (const v1::Problem& problem : problems) {
    out += RenderProblem({problem.line(), problem.column(), problem.path(), problem.message()},
                         file, source, look);
  }
  return out +
         look.Paint(CountOf(static_cast<std::uint64_t>(problems.size()), "problem") +
                        "; nothing was submitted",
                    Style::kBad) +
         "\n";
}

Json ProblemsJson(const Problems& problems, std::string_view file) {
  Json list = Json::Array();
  for (const v1::Problem& problem : problems) {
    Json json = Json::Object();
    json.Set("file", file).Set("line", problem.line()).Set("column", problem.column());
    json.Set("path", problem.path()).Set("message", problem.message());
    list.Add(json);
  }
  return list;
}

}  // namespace fusor::client
