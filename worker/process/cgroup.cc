#include "worker/process/cgroup.h"

#include <signal.h>
#include <unistd.h>

#include <sstream>

#include "worker/system/files.h"

namespace fusor::agent {

namespace {

constexpr const char* kTaskPrefix = "fusor-task-";

std::optional<std::uint64_t> NumberAfter(const std::string& text, std::string_view key) {
  std::istringstream in(text);
  std::string name;
  std::uint64_t number = 0;
  while (in >> name >> number) {
    if (name == key) return number;
  }
  return std::nullopt;
}

std::string OwnPath(const std::filesystem::path& root) {
  const Result<std::string> groups = ReadWholeFile(root / "proc/self/cgroup");
  if (!groups.ok()) return {};
  std::istringstream in(*groups);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("0::/")) return line.substr(4);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<CgroupTree>> CgroupTree::Take(const std::filesystem::path& root) {
  const std::filesystem::path own = root / "sys/fs/cgroup" / OwnPath(root);
  const std::string controllers = ReadLine(own / "cgroup.controllers");
  if ((" " + controllers + " ").find(" memory ") == std::string::npos) {
    return FailedPrecondition("no memory controller of cgroup v2 is delegated to this agent");
  }
  const std::filesystem::path leaf = own / "fusor-agent";
  RETURN_IF_ERROR(MakeDirectory(leaf));
  const std::string pid = std::to_string(getpid());
  Status status = WriteFile(leaf / "cgroup.procs", pid);
  if (status.ok()) {
    // Refused as long as other processes live in the group itself.
    status = WriteFile(own / "cgroup.subtree_control", "+memory");
    if (!status.ok()) static_cast<void>(WriteFile(own / "cgroup.procs", pid).ok());
  }
  if (!status.ok()) {
    rmdir(leaf.c_str());
    return status;
  }
  // Of an agent that was killed.
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(own, error)) {
    if (!entry.path().filename().string().starts_with(kTaskPrefix)) continue;
    TaskCgroup(entry.path()).KillAll();
  }
  return std::unique_ptr<CgroupTree>(new CgroupTree(own));
}

Result<std::unique_ptr<TaskCgroup>> CgroupTree::Make(const std::string& task) {
  const std::filesystem::path path = path_ / (kTaskPrefix + task);
  RETURN_IF_ERROR(MakeDirectory(path));
  return std::make_unique<TaskCgroup>(path);
}

TaskCgroup::~TaskCgroup() { rmdir(path_.c_str()); }

Status TaskCgroup::Limit(std::uint64_t memory_bytes) {
  RETURN_IF_ERROR(WriteFile(path_ / "memory.max", std::to_string(memory_bytes)));
  // One process of it out of memory means the whole task is.
  static_cast<void>(WriteFile(path_ / "memory.oom.group", "1").ok());
  return Ok();
}

Status TaskCgroup::Add(pid_t pid) { return WriteFile(path_ / "cgroup.procs", std::to_string(pid)); }

void TaskCgroup::KillAll() {
  if (WriteFile(path_ / "cgroup.kill", "1").ok()) return;
  // Before Linux 5.14.
  const Result<std::string> pids = ReadWholeFile(path_ / "cgroup.procs");
  if (!pids.ok()) return;
  std::istringstream in(*pids);
  for (pid_t pid = 0; in >> pid;) kill(pid, SIGKILL);
}

bool TaskCgroup::Empty() const {
  const Result<std::string> events = ReadWholeFile(path_ / "cgroup.events");
  return !events.ok() || NumberAfter(*events, "populated").value_or(0) == 0;
}

bool TaskCgroup::WasOutOfMemory() const {
  const Result<std::string> events = ReadWholeFile(path_ / "memory.events");
  return events.ok() && NumberAfter(*events, "oom_kill").value_or(0) > 0;
}

std::optional<std::uint64_t> TaskCgroup::MemoryBytes() const {
  const std::string text = ReadLine(path_ / "memory.current");
  if (text.empty()) return std::nullopt;
  return std::stoull("0" + text);
}

}  // namespace fusor::agent
