#include "trainer/io/checkpoint_folder.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <system_error>

#include "trainer/io/atomic_file.h"

namespace fusor {
namespace {

namespace fs = std::filesystem;

constexpr char kFolder[] = "checkpoint";
constexpr char kMaking[] = "checkpoint/making";
constexpr std::size_t kKept = 2;

std::string FolderOf(std::int64_t step) {
  return std::string(kFolder) + "/" + std::to_string(step);
}

Status Failed(const std::string& path, const std::error_code& error) {
  std::string message = path + ": " + error.message();
  return error == std::errc::no_space_on_device ? ResourceExhausted(std::move(message))
                                                : Unavailable(std::move(message));
}

// Of the complete checkpoints, oldest first; anything else in the folder is none.
std::vector<std::int64_t> KeptSteps() {
  std::vector<std::int64_t> steps;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(kFolder, error)) {
    const std::string name = entry.path().filename().string();
    std::int64_t step = 0;
    auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), step);
    if (bad == std::errc() && end == name.data() + name.size()) steps.push_back(step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

std::vector<std::string> FilesOf(std::int64_t step) {
  std::vector<std::string> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(FolderOf(step), error)) {
    files.push_back(entry.path().generic_string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

Result<CheckpointFolder> CheckpointFolder::Begin(std::int64_t step) {
  std::error_code error;
  fs::remove_all(kMaking, error);
  if (!error) fs::create_directories(kMaking, error);
  if (error) return Failed(kMaking, error);
  return CheckpointFolder(step);
}

std::string CheckpointFolder::PathOf(const std::string& name) const {
  return std::string(kMaking) + "/" + name;
}

Status CheckpointFolder::AddLink(const std::string& existing, const std::string& name) {
  std::error_code error;
  fs::create_hard_link(existing, PathOf(name), error);
  return error ? Failed(PathOf(name), error) : Ok();
}

Result<std::vector<std::string>> CheckpointFolder::Commit() {
  RETURN_IF_ERROR(SyncDirectory(kMaking));
  const std::string folder = FolderOf(step_);
  std::error_code error;
  fs::remove_all(folder, error);
  if (!error) fs::rename(kMaking, folder, error);
  if (error) return Failed(folder, error);
  RETURN_IF_ERROR(SyncDirectory(kFolder));
  std::vector<std::int64_t> steps = KeptSteps();
  for (std::size_t i = 0; i + kKept < steps.size(); ++i) fs::remove_all(FolderOf(steps[i]), error);
  return FilesOf(step_);
}

std::optional<CheckpointFolder::Kept> CheckpointFolder::FindNewest() {
  const std::vector<std::int64_t> steps = KeptSteps();
  if (steps.empty()) return std::nullopt;
  return Kept{steps.back(), FilesOf(steps.back())};
}

void CheckpointFolder::RemoveAll() {
  std::error_code error;
  fs::remove_all(kFolder, error);
}

}  // namespace fusor
