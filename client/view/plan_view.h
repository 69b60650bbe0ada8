#pragma once

// What a sweep file would do, and what is wrong with it.

#include <string>
#include <string_view>

#include "client/format/file_report.h"
#include "client/format/json.h"
#include "client/format/look.h"
#include "client/format/table.h"
#include "fusor/v1/sweep_service.pb.h"

namespace fusor::client {

std::string PlanText(const v1::PlanResponse& plan, std::string_view file, const Look& look);
// Of its stages, for programs.
Table PlanTable(const v1::PlanResponse& plan);
Json PlanJson(const v1::PlanResponse& plan, std::string_view file);

// What this machine saw of the files that trials begin with; empty where the sweep names none.
std::string FilesText(const FileReport& report, const Look& look);
// Its problems alone, for where a plan is not shown.
std::string FileWarnings(const FileReport& report, const Look& look);
Json FilesJson(const FileReport& report);

using Problems = google::protobuf::RepeatedPtrField<v1::Problem>;

// Every problem with its line of `source`, then how many there are.
std::string ProblemsText(const Problems& problems, std::string_view file, std::string_view source,
                         const Look& look);
Json ProblemsJson(const Problems& problems, std::string_view file);

}  // namespace fusor::client
