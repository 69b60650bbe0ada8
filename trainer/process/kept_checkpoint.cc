#include "trainer/process/kept_checkpoint.h"

#include <charconv>
#include <filesystem>
#include <system_error>
#include <vector>

namespace fusor {
namespace {

namespace fs = std::filesystem;

constexpr char kFolder[] = "resume";

// Steps of the complete checkpoints; anything else in the folder is none.
std::vector<std::int64_t> KeptSteps() {
  std::vector<std::int64_t> steps;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(kFolder, error)) {
    const std::string name = entry.path().filename().string();
    std::int64_t step = 0;
    auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), step);
    if (bad == std::errc() && end == name.data() + name.size()) steps.push_back(step);
  }
  return steps;
}

}  // namespace

Status KeepCheckpoint(std::int64_t step, std::span<const std::string> files) {
  const fs::path kept = fs::path(kFolder) / std::to_string(step);
  const fs::path making = fs::path(kFolder) / "making";
  const std::vector<std::int64_t> before = KeptSteps();
  std::error_code error;
  fs::remove_all(making, error);
  fs::remove_all(kept, error);
  for (const std::string& file : files) {
    fs::create_directories((making / file).parent_path(), error);
    if (!error) fs::create_hard_link(file, making / file, error);
    if (error) return Unavailable((making / file).string() + ": " + error.message());
  }
  fs::rename(making, kept, error);
  if (error) return Unavailable(kept.string() + ": " + error.message());
  for (std::int64_t old : before) {
    if (old != step) fs::remove_all(fs::path(kFolder) / std::to_string(old), error);
  }
  return Ok();
}

void DropCheckpoints() {
  std::error_code error;
  fs::remove_all(kFolder, error);
}

std::optional<JobResume> FindKeptCheckpoint() {
  std::optional<JobResume> newest;
  for (std::int64_t step : KeptSteps()) {
    if (!newest || step > newest->step) newest = JobResume{step, {}};
  }
  if (!newest) return std::nullopt;
  const fs::path folder = fs::path(kFolder) / std::to_string(newest->step);
  std::error_code error;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder, error)) {
    if (!entry.is_regular_file()) continue;
    newest->files.push_back(
        {fs::relative(entry.path(), folder).generic_string(), entry.path().string()});
  }
  return newest;
}

}  // namespace fusor
