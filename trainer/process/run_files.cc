#include "trainer/process/run_files.h"

#include <charconv>
#include <filesystem>
#include <string_view>
#include <vector>

#include "trainer/contract/job.h"
#include "trainer/io/safetensors.h"

namespace fusor {
namespace {

namespace fs = std::filesystem;

constexpr char kModel[] = "model.safetensors";
constexpr char kCheckpoint[] = "state.safetensors";
constexpr int kLevelsMax = 8;  // of a part's file below its run's folder

using Metadata = std::map<std::string, std::string>;

std::string Member(const Metadata& metadata, const std::string& name) {
  const auto found = metadata.find(name);
  return found == metadata.end() ? "" : found->second;
}

// "... precision=bf16 ..." of a checkpoint.
std::string PrecisionIn(std::string_view numerics) {
  constexpr std::string_view kKey = " precision=";
  const std::size_t at = numerics.find(kKey);
  if (at == std::string_view::npos) return "";
  numerics.remove_prefix(at + kKey.size());
  return std::string(numerics.substr(0, numerics.find(' ')));
}

// RECIPE/VERSION {"param":value,...}
Status ReadConfig(const std::string& file, const std::string& text, RunFacts& facts) {
  const std::string name = text.substr(0, text.find('/'));
  const std::size_t blank = text.find(' ');
  facts.recipe = FindRecipe(name);
  if (blank == std::string::npos || facts.recipe == nullptr) {
    return DataLoss(file + ": made by the recipe '" + name + "', which this trainer lacks");
  }
  auto values = ParseParams(*facts.recipe, text.substr(blank + 1));
  if (!values.ok()) return DataLoss(file + ": " + values.status().message());
  facts.values = std::move(*values);
  return Ok();
}

// checkpoint/N/state.safetensors with the largest N.
std::optional<std::string> NewestCheckpoint(const fs::path& run) {
  std::optional<std::string> newest;
  std::int64_t newest_step = -1;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(run / "checkpoint", error)) {
    const std::string name = entry.path().filename().string();
    std::int64_t step = -1;
    const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), step);
    const fs::path file = entry.path() / kCheckpoint;
    if (bad != std::errc() || end != name.data() + name.size() || !fs::exists(file)) continue;
    if (step > newest_step) newest = file.string();
    newest_step = std::max(newest_step, step);
  }
  return newest;
}

bool IsRun(const fs::path& folder) {
  return fs::exists(folder / "best" / kModel) || fs::exists(folder / "last" / kModel) ||
         NewestCheckpoint(folder).has_value();
}

}  // namespace

Result<std::optional<RunFacts>> ReadRunFacts(const std::string& file) {
  const auto opened = SafetensorsFile::Open(file);
  // What is no safetensors file may be one of Python's.
  if (!opened.ok()) return std::optional<RunFacts>();
  const Metadata& metadata = opened->header().metadata;
  const bool checkpoint = Member(metadata, "format").starts_with("fusor.checkpoint.");
  const std::string config = Member(metadata, checkpoint ? "config" : "fusor.config");
  if (config.empty()) return std::optional<RunFacts>();
  RunFacts facts;
  RETURN_IF_ERROR(ReadConfig(file, config, facts));
  facts.pixels = Member(metadata, "fusor.pixels");
  facts.step = Member(metadata, checkpoint ? "step" : "fusor.step");
  const std::string precision =
      checkpoint ? PrecisionIn(Member(metadata, "numerics")) : Member(metadata, "fusor.precision");
  if (!precision.empty()) facts.values["precision"] = precision;
  return std::optional(std::move(facts));
}

Result<std::string> ModelIn(const std::string& folder, const std::string& which) {
  const fs::path path(folder);
  std::vector<fs::path> places;
  if (which != "last") places.push_back(path / "best" / kModel);
  if (which != "best") places.push_back(path / "last" / kModel);
  if (which.empty()) {
    places.push_back(path / kModel);
    places.push_back(path / kCheckpoint);
  }
  for (const fs::path& place : places) {
    if (fs::exists(place)) return place.string();
  }
  if (which.empty()) {
    if (auto checkpoint = NewestCheckpoint(path)) return *checkpoint;
  }
  return NotFound(folder + ": no " + (which.empty() ? "best" : which) + "/" + kModel +
                  " there; is it the folder of a run that has been evaluated?");
}

std::string RunAround(const std::string& path) {
  std::error_code error;
  fs::path folder = fs::weakly_canonical(path, error);
  for (int level = 0; level < kLevelsMax && !error && folder.has_relative_path(); ++level) {
    if (fs::is_directory(folder) && IsRun(folder)) return folder.string();
    folder = folder.parent_path();
  }
  return "";
}

}  // namespace fusor
