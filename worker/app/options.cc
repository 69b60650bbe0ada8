#include "worker/app/options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <sstream>

#include "common/dataset/presence.h"
#include "worker/system/files.h"

namespace fusor::agent {

namespace {

constexpr const char* kAbout =
    "fusor-worker: runs the trials that a Fusor coordinator sends to this machine.\n"
    "Without --coordinator the address and the token are read from the coordinator's data "
    "directory,\n"
    "which FUSOR_HOME names. SIGTERM lets running trials checkpoint and hands them back; a second "
    "one\n"
    "ends them at once.";

int ToSlots(const std::string& text) {
  if (text == "auto") return 0;
  std::size_t used = 0;
  int slots = 0;
  try {
    slots = std::stoi(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used != text.size() || slots < 1) {
    throw CLI::ValidationError("--slots", "'" + text + "' is neither a number above 0 nor auto");
  }
  return slots;
}

Labels ToLabels(const std::vector<std::string>& entries) {
  Labels labels;
  for (const std::string& entry : entries) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw CLI::ValidationError("--label", "'" + entry + "' is not of the form key=value");
    }
    labels[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  return labels;
}

// "grpc=127.0.0.1:4711" in the coordinator's data directory.
std::string AddressIn(const std::filesystem::path& home) {
  const Result<std::string> text = ReadWholeFile(home / "endpoint");
  if (!text.ok()) return {};
  std::istringstream in(*text);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("grpc=")) return line.substr(5);
  }
  return {};
}

Status CheckDirectory(const std::filesystem::path& path, const std::string& flag) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return Ok();
  return InvalidArgument(flag + " " + path.string() + ": no such directory");
}

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Status CompleteDatasets(WorkerOptions& options) {
  std::string flag = "--datasets";
  if (options.datasets.empty()) {
    options.datasets = Variable("FUSOR_DATA");
    flag = "FUSOR_DATA";
  }
  if (!options.fetch_from.empty() && !options.auto_fetch) {
    return InvalidArgument("--fetch-from is for --auto-fetch, which was not said");
  }
  if (options.auto_fetch) {
    if (options.datasets.empty()) options.datasets = DefaultDatasets("", Variable("HOME"));
    if (options.datasets.empty()) {
      return InvalidArgument("--auto-fetch needs a folder for data sets: say --datasets DIR");
    }
    RETURN_IF_ERROR(MakeDirectory(options.datasets));
  }
  if (options.datasets.empty()) return Ok();
  RETURN_IF_ERROR(CheckDirectory(options.datasets, flag));
  std::error_code error;
  options.datasets = std::filesystem::absolute(options.datasets, error);
  // A folder that holds the archives is meant, whatever its last character.
  if (options.fetch_from.find("://") != std::string::npos && !options.fetch_from.ends_with('/')) {
    options.fetch_from += '/';
  }
  return Ok();
}

}  // namespace

ParsedOptions ParseOptions(int argc, char** argv) {
  ParsedOptions parsed;
  WorkerOptions& options = parsed.options;
  CLI::App app(kAbout);
  std::string slots = "auto";
  std::string device = "auto";
  std::vector<std::string> labels;
  app.add_option("--coordinator", options.coordinator, "address of the coordinator, HOST:PORT");
  app.add_option("--token-file", options.token_file, "file that holds the coordinator's token");
  app.add_option("--data", options.data, "this worker's own directory; made when it is not there")
      ->capture_default_str();
  app.add_option("--datasets", options.datasets,
                 "directory with one folder for each data set (default: FUSOR_DATA)");
  app.add_flag("--auto-fetch", options.auto_fetch,
               "fetch data sets that trials need and that are not there (see docs/data.md)");
  app.add_option("--fetch-from", options.fetch_from,
                 "mirror for --auto-fetch: address or path of a folder that holds the archives");
  app.add_option("--name", options.name, "name of this worker for people (default: the host's)");
  app.add_option("--device", device, "what the slots are: auto (GPUs, else processors), cpu, gpu")
      ->check(CLI::IsMember({"auto", "cpu", "gpu"}))
      ->capture_default_str();
  app.add_option("--slots", slots, "how many trials run at a time: auto or a number")
      ->capture_default_str();
  app.add_option(
         "--memory", options.memory_gib,
         "host memory for all slots together, in GiB (default: nine tenths of the machine's)")
      ->check(CLI::PositiveNumber);
  app.add_option("--precisions", options.precisions,
                 "precisions to offer, comma-separated (default: what the devices are good at)")
      ->delimiter(',');
  app.add_option("--label", labels, "key=value that a sweep's resources can ask for; repeatable");
  app.add_option("--trainer", options.trainer,
                 "the trainer (default: fusor-train beside this program)");
  app.add_option("--trial-program", options.trial_program,
                 "start this program for each trial instead (see docs/trainer_contract.md)");
  app.add_option("--cache-gib", options.cache_gib, "room for files of other trials that are kept")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--spool-gib", options.spool_gib,
                 "room for what the coordinator has not yet taken")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--checkpoint-grace", options.checkpoint_grace_seconds,
                 "seconds that a trial has for a last checkpoint before it is killed")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--log-level", options.log_level, "debug, info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
  app.set_version_flag("--version", std::string("fusor-worker ") + FUSOR_VERSION);
  try {
    app.parse(argc, argv);
    options.slots = ToSlots(slots);
    options.labels = ToLabels(labels);
  } catch (const CLI::ParseError& error) {
    parsed.exit = true;
    parsed.exit_code = app.exit(error) == 0 ? 0 : 1;
    return parsed;
  }
  options.device = device == "cpu"   ? DeviceKind::kCpu
                   : device == "gpu" ? DeviceKind::kGpu
                                     : DeviceKind::kAuto;
  return parsed;
}

Status CompleteOptions(WorkerOptions& options) {
  const char* home = std::getenv("FUSOR_HOME");
  if (home != nullptr && *home != '\0') {
    if (options.coordinator.empty()) options.coordinator = AddressIn(home);
    if (options.token_file.empty()) options.token_file = std::filesystem::path(home) / "token";
  }
  if (options.coordinator.empty()) {
    return InvalidArgument(
        "no coordinator: say --coordinator HOST:PORT, or set FUSOR_HOME to the data directory of a "
        "coordinator that runs on this machine");
  }
  std::error_code error;
  options.data = std::filesystem::absolute(options.data, error);
  RETURN_IF_ERROR(CompleteDatasets(options));
  if (options.trainer.empty()) {
    options.trainer =
        std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / "fusor-train";
  }
  options.trainer = std::filesystem::absolute(options.trainer, error);
  if (!options.trial_program.empty()) {
    options.trial_program = std::filesystem::absolute(options.trial_program, error);
  }
  const std::filesystem::path& program =
      options.trial_program.empty() ? options.trainer : options.trial_program;
  if (access(program.c_str(), X_OK) != 0) {
    return NotFound("no trainer at " + program.string() +
                    ": build it (fusor-train), or say --trainer PATH");
  }
  if (options.name.empty()) {
    char host[256] = {};
    options.name = gethostname(host, sizeof host - 1) == 0 ? host : "worker";
  }
  return Ok();
}

}  // namespace fusor::agent
