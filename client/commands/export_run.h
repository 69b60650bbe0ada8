#pragma once

// A whole export: of a sweep, of some trials, with its report at the end. For get, best and local.

#include <cstdint>
#include <filesystem>
#include <string>

#include "client/commands/export.h"
#include "client/commands/session.h"
#include "client/link/api.h"
#include "common/base/status.h"

namespace fusor::client {

// Every trial of the sweep that ever ran, of those that --stage and --where leave.
Status ExportSweep(Session& session, Api& api, std::uint64_t sweep, const ExportChoice& choice,
                   Exporter& exporter);

Status ExportOneTrial(Api& api, const std::string& id, const ExportChoice& choice,
                      Exporter& exporter);

// The trial with the best objective, of those that --stage and --where leave: "7.fusion.42".
// NotFound while there is none.
Result<std::string> BestTrial(const Session& session, Api& api, std::uint64_t sweep);

// "12 files, 34 MiB in DIR", or the list as JSON.
void ReportExport(Session& session, const Exporter& exporter, const std::filesystem::path& root);

}  // namespace fusor::client
