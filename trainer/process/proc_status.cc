#include "trainer/process/proc_status.h"

#include <dirent.h>
#include <sys/stat.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace fusor {

ProcStatus ReadProcStatus() {
  ProcStatus status;
  std::FILE* file = std::fopen("/proc/self/status", "re");
  if (file == nullptr) return status;
  char line[256];
  while (std::fgets(line, sizeof line, file) != nullptr) {
    std::uint64_t kib = 0;
    if (std::sscanf(line, "VmData: %" SCNu64, &kib) == 1) status.data_bytes = kib << 10;
    if (std::sscanf(line, "RssAnon: %" SCNu64, &kib) == 1) status.anonymous_bytes = kib << 10;
    if (std::sscanf(line, "VmHWM: %" SCNu64, &kib) == 1) status.peak_bytes = kib << 10;
  }
  std::fclose(file);
  return status;
}

int ThreadCount() {
  struct stat tasks;
  // The directory has one link for itself, one for ".", and one per thread.
  if (stat("/proc/self/task", &tasks) != 0) return 0;
  return static_cast<int>(tasks.st_nlink) - 2;
}

std::string ThreadNames() {
  std::string names;
  DIR* tasks = opendir("/proc/self/task");
  if (tasks == nullptr) return names;
  while (const dirent* entry = readdir(tasks)) {
    if (entry->d_name[0] == '.') continue;
    std::ifstream comm("/proc/self/task/" + std::string(entry->d_name) + "/comm");
    std::string name;
    std::getline(comm, name);
    names += (names.empty() ? "" : ", ") + name;
  }
  closedir(tasks);
  return names;
}

}  // namespace fusor
