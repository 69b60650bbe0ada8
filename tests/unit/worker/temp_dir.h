#pragma once

// A directory that removes itself.

#include <cstdlib>
#include <filesystem>
#include <string>

namespace fusor::agent {

class TempDir {
 public:
  TempDir() {
    std::string name = std::filesystem::temp_directory_path() / "fusor-test-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace fusor::agent
