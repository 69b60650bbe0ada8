#pragma once

// A disk that is full when the test says so (full_disk_shim.cc).

#include <filesystem>
#include <string>

namespace fusor::integration {

// Programs that are started while one of these lives see it, and so do their children; it stays
// with them for their life.
class FullDisk {
 public:
  explicit FullDisk(const std::filesystem::path& folder);
  ~FullDisk();
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

  // Every write to a file whose path contains the text fails with ENOSPC.
  void Fill(const std::string& text) const { Say("write " + text); }
  // Writes go through, syncs fail.
  void FailSync(const std::string& text) const { Say("sync " + text); }
  void Free() const;

 private:
  void Say(const std::string& line) const;
  std::filesystem::path control_;
};

}  // namespace fusor::integration
