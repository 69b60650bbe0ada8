#include "coordinator/store/wal_readers.h"

#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <fstream>
#include <set>
#include <sstream>
#include <string_view>

namespace fusor {

namespace {

// Where SQLite's readers lock the shared-memory file (https://sqlite.org/walformat.html, "WAL
// locks").
constexpr std::uint64_t kFirstReadLock = 123;
constexpr std::uint64_t kLastReadLock = 127;

// One line of /proc/locks: "7: POSIX  ADVISORY  READ 1234 fe:00:5678 123 123".
struct LockLine {
  std::string number, kind, advisory, access, pid, place, first, last;
};

std::uint64_t ToNumber(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

bool IsReadLockOf(const LockLine& line, std::uint64_t inode) {
  const std::size_t colon = line.place.rfind(':');
  if (line.access != "READ" || colon == std::string::npos) return false;
  if (ToNumber(std::string_view(line.place).substr(colon + 1)) != inode) return false;
  const std::uint64_t first = ToNumber(line.first);
  return first >= kFirstReadLock && first <= kLastReadLock;
}

std::string NameOf(const std::string& pid) {
  std::string name = "a program";
  std::ifstream comm("/proc/" + pid + "/comm");
  std::getline(comm, name);
  return name + " (process " + pid + ")";
}

}  // namespace

std::vector<std::string> ForeignReaders(const std::filesystem::path& database) {
  // Only stat: opening and closing the file would drop the locks that this process holds on it.
  struct stat info {};
  const std::string shared_memory = database.string() + "-shm";
  if (::stat(shared_memory.c_str(), &info) != 0) return {};
  const std::string own = std::to_string(::getpid());
  std::set<std::string> pids;
  std::ifstream locks("/proc/locks");
  for (std::string text; std::getline(locks, text);) {
    LockLine line;
    std::istringstream words(text);
    words >> line.number >> line.kind >> line.advisory >> line.access >> line.pid >> line.place >>
        line.first >> line.last;
    if (IsReadLockOf(line, info.st_ino) && line.pid != own) pids.insert(line.pid);
  }
  std::vector<std::string> names;
  for (const std::string& pid : pids) names.push_back(NameOf(pid));
  return names;
}

}  // namespace fusor
