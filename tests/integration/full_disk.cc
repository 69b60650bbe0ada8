#include "tests/integration/full_disk.h"

#include <cstdlib>
#include <fstream>

namespace fusor::integration {

FullDisk::FullDisk(const std::filesystem::path& folder) : control_(folder / "full_disk") {
  ::setenv("FUSOR_FULL_DISK", control_.c_str(), 1);
  ::setenv("LD_PRELOAD", FUSOR_FULL_DISK_SHIM, 1);
}

FullDisk::~FullDisk() {
  ::unsetenv("LD_PRELOAD");
  ::unsetenv("FUSOR_FULL_DISK");
}

void FullDisk::Free() const { std::filesystem::remove(control_); }

void FullDisk::Say(const std::string& line) const {
  const std::filesystem::path next = control_.string() + ".next";
  std::ofstream(next) << line;
  std::filesystem::rename(next, control_);
}

}  // namespace fusor::integration
