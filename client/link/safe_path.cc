#include "client/link/safe_path.h"

#include <algorithm>
#include <string>

namespace fusor::client {

namespace {

constexpr std::size_t kPathBytesMax = 1'024;

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

}  // namespace

Result<std::filesystem::path> SafeRelative(std::string_view path) {
  const auto refused = [](const std::string& why) {
    return DataLoss("the coordinator named a path that is refused: " + why);
  };
  if (path.empty() || path.size() > kPathBytesMax) return refused("empty or too long");
  if (std::any_of(path.begin(), path.end(), IsControl)) return refused("a control character");
  const std::string text(path);
  if (path.front() == '/') return refused("'" + text + "' is absolute");
  std::filesystem::path safe;
  std::string_view rest = path;
  while (true) {
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (part.empty() || part == "." || part == "..") {
      return refused("'" + text + "' does not stay inside the folder");
    }
    safe /= part;
    if (slash == std::string_view::npos) return safe;
    rest.remove_prefix(slash + 1);
  }
}

Status MakeFolders(const std::filesystem::path& root, const std::filesystem::path& relative) {
  std::error_code error;
  std::filesystem::create_directories(root, error);
  if (error) return Internal("cannot make " + root.string() + ": " + error.message());
  std::filesystem::path folder = root;
  for (const std::filesystem::path& part : relative.parent_path()) {
    folder /= part;
    const std::filesystem::file_status status = std::filesystem::symlink_status(folder, error);
    if (std::filesystem::is_symlink(status)) {
      return FailedPrecondition(folder.string() +
                                " is a symbolic link; nothing is written through it");
    }
    if (std::filesystem::is_directory(status)) continue;
    std::filesystem::create_directory(folder, error);
    if (error) return Internal("cannot make " + folder.string() + ": " + error.message());
  }
  return Ok();
}

}  // namespace fusor::client
