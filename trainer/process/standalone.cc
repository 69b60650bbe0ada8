#include "trainer/process/standalone.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "trainer/io/checkpoint_folder.h"
#include "trainer/process/arguments.h"
#include "trainer/process/check_command.h"
#include "trainer/process/child.h"
#include "trainer/process/console_reporter.h"
#include "trainer/process/describe_command.h"
#include "trainer/process/evaluate_command.h"
#include "trainer/process/predict_command.h"
#include "trainer/process/refuse.h"
#include "trainer/process/run_trial.h"

namespace fusor {
namespace {

int Refuse(const std::string& problems) {
  return Refuse(InvalidArgument(problems + "\n'fusor-train --help' shows what there is."));
}

// True when the arguments only ask for help, which has been printed.
bool Help(std::span<const char* const> arguments) {
  if (arguments.empty() || std::string_view(arguments[0]) == "--help") {
    std::fputs(HelpText().c_str(), stdout);
    return true;
  }
  const Recipe* recipe = FindRecipe(arguments[0]);
  if (recipe == nullptr || arguments.size() < 2 || std::string_view(arguments[1]) != "--help") {
    return false;
  }
  std::fputs(RecipeHelpText(*recipe).c_str(), stdout);
  return true;
}

int PrintVersion(const HostInfo& host) {
  std::printf("%s\nlibtorch %s\n", host.program.c_str(), host.libtorch.c_str());
  return 0;
}

int DescribeModel(std::span<const char* const> arguments) {
  if (!arguments.empty() && std::string_view(arguments[0]) == "--help") {
    std::fputs(DescribeHelpText().c_str(), stdout);
    return 0;
  }
  auto options = ParseDescribe(arguments);
  if (!options.ok()) return Refuse(options.status().message());
  auto description = Describe(*options);
  if (!description.ok()) return Refuse(description.status().message());
  std::fputs(DescriptionText(*description, *options).c_str(), stdout);
  return 0;
}

ConsoleOptions ConsoleOptionsOf(const Job& job) {
  ConsoleOptions options{.title = job.name};
  if (job.config.Has("epochs")) options.epochs = job.config.Int("epochs");
  // Of a probe it is no number of samples: it has no epochs either.
  if (options.epochs > 0 && job.config.Has("batch_size")) {
    options.batch_size = job.config.Int("batch_size");
  }
  return options;
}

}  // namespace

int RunStandalone(std::span<const char* const> arguments, const HostInfo& host) {
  if (Help(arguments)) return 0;
  if (std::string_view(arguments[0]) == "--version") return PrintVersion(host);
  if (std::string_view(arguments[0]) == "describe") return DescribeModel(arguments.subspan(1));
  if (std::string_view(arguments[0]) == "check") return RunCheck(arguments.subspan(1));
  if (std::string_view(arguments[0]) == "evaluate") return RunEvaluate(arguments.subspan(1));
  if (std::string_view(arguments[0]) == "predict") return RunPredict(arguments.subspan(1));
  auto standalone = ParseArguments(arguments);
  if (!standalone.ok()) return Refuse(standalone.status().message());
  Job& job = standalone->job;
  std::error_code error;
  if (!job.datasets_dir.empty()) job.datasets_dir = std::filesystem::absolute(job.datasets_dir);
  std::filesystem::create_directories(standalone->out, error);
  if (!error) std::filesystem::current_path(standalone->out, error);
  if (error) return Refuse(standalone->out + ": " + error.message());
  std::printf("%s  in %s\n", job.name.c_str(), standalone->out.c_str());
  if (auto kept = CheckpointFolder::FindNewest()) {
    job.resume.emplace().step = kept->step;
    for (const std::string& file : kept->files) job.resume->files.push_back({file, file});
  }
  ConsoleReporter reporter(stdout, ConsoleOptionsOf(job));
  Control control({.signal_fd = WatchSignals({SIGTERM, SIGINT}), .abort = [] { _exit(1); }});
  Outcome outcome = RunTrial(job, host, reporter, control);
  if (outcome.kind == OutcomeKind::kSucceeded) CheckpointFolder::RemoveAll();
  return outcome.kind == OutcomeKind::kFailed ? kExitFailed : 0;
}

}  // namespace fusor
