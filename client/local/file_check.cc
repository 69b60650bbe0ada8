#include "client/local/file_check.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>

#include "client/local/child_process.h"
#include "client/local/scratch.h"

namespace fusor::client {

namespace {

constexpr Duration kPatience{120'000};

void Add(FileReport& report, const std::string& stage, const std::string& text) {
  const auto is_same = [&](const FileReport::Problem& known) {
    return known.stage == stage && known.text == text;
  };
  if (std::none_of(report.problems.begin(), report.problems.end(), is_same)) {
    report.problems.push_back({stage, text});
  }
}

void CheckPresence(const v1::FileCheck& check, FileReport& report) {
  std::error_code error;
  for (const std::string& path : check.paths()) {
    if (!std::filesystem::exists(path, error)) {
      Add(report, check.stage(), path + ": there is no such file");
    }
  }
}

// What `fusor-train check` says, line by line; nothing when it cannot say it.
std::optional<std::vector<std::string>> AskTrainer(const std::filesystem::path& program,
                                                   const v1::FileCheck& check) {
  const Scratch scratch;
  const std::filesystem::path config = scratch.path() / "config.json";
  const std::filesystem::path answer = scratch.path() / "answer";
  std::ofstream out(config, std::ios::binary);
  out << check.config();
  out.close();
  if (scratch.path().empty() || !out) return std::nullopt;
  ChildOptions options;
  options.program = program;
  options.arguments = {"check", check.recipe(), "--config", config.string()};
  options.stdout_only = answer;
  Result<ChildProcess> child = ChildProcess::Start(options);
  if (!child.ok() || !child->WaitFor(kPatience)) return std::nullopt;
  if (child->succeeded()) return std::vector<std::string>();
  std::vector<std::string> lines;
  std::ifstream in(answer, std::ios::binary);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  if (lines.empty()) return std::nullopt;
  return lines;
}

}  // namespace

FileReport CheckFiles(const Environment& environment, const FileChecks& checks) {
  FileReport report;
  report.any = !checks.empty();
  if (!report.any) return report;
  const Result<std::filesystem::path> trainer =
      FindProgram(environment.program, "fusor-train", environment.Variable("PATH"));
  report.contents = trainer.ok();
  for (const v1::FileCheck& check : checks) {
    std::optional<std::vector<std::string>> lines;
    if (trainer.ok()) lines = AskTrainer(*trainer, check);
    report.contents = report.contents && lines.has_value();
    if (!lines) CheckPresence(check, report);
    for (const std::string& line : lines.value_or(std::vector<std::string>())) {
      Add(report, check.stage(), line);
    }
  }
  return report;
}

}  // namespace fusor::client
