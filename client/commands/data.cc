#include <ostream>

#include "client/commands/commands.h"
#include "client/commands/data_fetch.h"
#include "client/commands/session.h"
#include "client/view/data_view.h"
#include "common/dataset/own_datasets.h"
#include "common/dataset/presence.h"
#include "common/recipe/suggest.h"

namespace fusor::client {

namespace {

Result<std::filesystem::path> DatasetsOf(const Session& session) {
  const Environment& environment = session.environment();
  const std::string given = session.arguments().Text("datasets");
  const std::filesystem::path folder =
      given.empty()
          ? DefaultDatasets(environment.Variable("FUSOR_DATA"), environment.Variable("HOME"))
          : std::filesystem::path(given);
  if (!folder.empty()) return environment.directory / folder;
  return InvalidArgument("say where data sets lie: --datasets DIR, or FUSOR_DATA");
}

Result<int> List(Session& session, const std::vector<KnownDataset>& known,
                 const std::filesystem::path& datasets) {
  if (session.arguments().Has("from")) {
    return InvalidArgument("--from is of `fusor data fetch`, not of `fusor data ls`");
  }
  Table table = DataTable(known, datasets);
  const std::string name = session.arguments().Text("NAME");
  if (!name.empty()) {
    std::erase_if(table.rows, [&](const Row& row) { return row.front().text != name; });
  }
  WriteTable(session.out(), session.output(), session.look(), table);
  if (name.empty()) session.Next({"fusor data fetch NAME  # downloads one"});
  return kExitOk;
}

Result<int> Run(Session& session) {
  const std::string action = session.arguments().Text("ACTION");
  const std::string name = session.arguments().Text("NAME");
  if (action != "ls" && action != "fetch") {
    return InvalidArgument("data has no '" + action + "'" + Suggestion(action, {"ls", "fetch"}) +
                           "\nfusor data ls lists data sets, fusor data fetch NAME downloads one");
  }
  const Result<std::filesystem::path> datasets = DatasetsOf(session);
  if (!datasets.ok()) return datasets.status();
  const Result<std::vector<KnownDataset>> known = ReadCatalogue(*datasets);
  if (!known.ok()) return known.status();
  const KnownDataset* dataset = FindDataset(*known, name);
  if (dataset == nullptr && !name.empty()) {
    std::vector<std::string> names;
    for (const KnownDataset& each : *known) names.push_back(each.name);
    return NotFound("no data set '" + name + "' to fetch" + Suggestion(name, names) +
                    "\nfusor data ls lists them");
  }
  if (action == "ls") return List(session, *known, *datasets);
  if (dataset == nullptr) {
    return InvalidArgument("say which: fusor data fetch NAME\nfusor data ls lists them");
  }
  if (session.output() == Output::kCsv) {
    return InvalidArgument("`fusor data fetch` prints a line, json or id, not csv");
  }
  return RunFetch(session, *dataset, *datasets);
}

}  // namespace

CommandSpec DataCommand() {
  CommandSpec spec;
  spec.name = "data";
  spec.topic = Topic::kFiles;
  spec.help = "list data sets, and download one: resumable, verified; needs no coordinator";
  spec.arguments = {{.name = "ACTION", .help = "ls or fetch", .completes = Completes::kDataAction},
                    {.name = "NAME",
                     .help = "of the data set, e.g. cifar100",
                     .required = false,
                     .completes = Completes::kDataset}};
  spec.options = {
      {.name = "datasets",
       .takes = Takes::kDirectory,
       .value_name = "DIR",
       .help = "the folder of the data sets (FUSOR_DATA; else ~/.fusor/datasets)"},
      {.name = "from",
       .takes = Takes::kText,
       .value_name = "ADDRESS",
       .help =
           "fetch from this mirror: the archive's http(s) address or path, or with / at its end "
           "that of a folder that holds it"}};
  spec.outputs = {Output::kTable, Output::kJson, Output::kCsv, Output::kId};
  spec.notes =
      "A download that broke off or was interrupted goes on where it stopped. The archive's size "
      "and\nchecksum are verified whatever the address; a data set that is there already is left "
      "as "
      "it is.\nexamples\n"
      "  fusor data fetch cifar100 --datasets /data\n"
      "  fusor data fetch cifar100 --from http://mirror/archives/\n";
  spec.run = Run;
  return spec;
}

}  // namespace fusor::client
