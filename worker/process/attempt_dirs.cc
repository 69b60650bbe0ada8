#include "worker/process/attempt_dirs.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <sstream>

#include "worker/process/proc_stat.h"
#include "worker/system/files.h"

namespace fusor::agent {

namespace {

constexpr std::size_t kNameBytesMax = 1'024;
constexpr std::chrono::seconds kKillPatience{10};
constexpr int kKillRounds = 100;

// Links of the very file, or a copy where the file system has no links.
Status LinkOrCopy(const std::filesystem::path& from, const std::filesystem::path& to) {
  struct stat stats {};
  if (lstat(from.c_str(), &stats) != 0) return SystemError("stage", from);
  if (!S_ISREG(stats.st_mode)) return InvalidArgument("not a regular file: " + from.string());
  if (linkat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), 0) == 0) return Ok();
  if (errno != EPERM && errno != EMLINK && errno != EXDEV && errno != ENOTSUP) {
    return SystemError("stage", from);
  }
  std::error_code error;
  std::filesystem::copy_file(from, to, error);
  if (!error) return Ok();
  errno = error.value();
  return SystemError("stage", from);
}

// Which folder this is, whatever it is called: a copy of it is another one.
std::string FolderId(const std::filesystem::path& folder) {
  struct stat stats {};
  if (stat(folder.c_str(), &stats) != 0) return "none";
  return std::to_string(stats.st_dev) + ":" + std::to_string(stats.st_ino);
}

struct Recorded {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;
  std::string boot_id;
  std::string folder_id;
};

// The recorded process and its group, as far as they live. A group's number is not given to another
// as long as the group has a member, so the start time of the first tells whether it is the same.
std::vector<ProcStat> LivingOf(const Recorded& recorded) {
  if (recorded.pid <= 1 || recorded.boot_id != BootId()) return {};
  std::vector<ProcStat> living;
  for (const ProcStat& stat : ProcessesOfGroup(recorded.pid)) {
    if (stat.pid == recorded.pid && stat.start_ticks != recorded.start_ticks) return {};
    if (stat.start_ticks >= recorded.start_ticks && stat.state != 'Z') living.push_back(stat);
  }
  return living;
}

// Kills them and waits until they are gone, or the patience is at its end.
void KillAndWait(const std::vector<ProcStat>& living) {
  const auto deadline = std::chrono::steady_clock::now() + kKillPatience;
  for (const ProcStat& stat : living) {
    const UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, stat.pid, 0)));
    kill(stat.pid, SIGKILL);
    if (!process) continue;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd ended{.fd = process.get(), .events = POLLIN, .revents = 0};
    poll(&ended, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
  }
}

// Living processes that carry the folder's mark, other than this one.
std::vector<ProcStat> MarkedOf(const std::string& folder_id) {
  std::vector<ProcStat> marked =
      ProcessesMarked(std::string(AttemptDirs::kMarkName) + "=" + folder_id);
  std::erase_if(marked, [](const ProcStat& stat) {
    return stat.pid == getpid() || stat.state == 'Z' || stat.state == 'X';
  });
  return marked;
}

}  // namespace

bool IsPlainRelativePath(std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax || name.find('\0') != std::string_view::npos) {
    return false;
  }
  while (!name.empty()) {
    const std::size_t end = name.find('/');
    const std::string_view part = name.substr(0, end);
    if (part.empty() || part == "." || part == "..") return false;
    if (end == std::string_view::npos) return true;
    name.remove_prefix(end + 1);
  }
  return false;
}

std::filesystem::path AttemptDirs::Of(TaskKey task, std::string_view suffix) const {
  return root_ / (std::to_string(task.attempt.value) + "." + std::to_string(task.rank) +
                  std::string(suffix));
}

std::filesystem::path AttemptDirs::Work(TaskKey task) const { return Of(task, ""); }

std::filesystem::path AttemptDirs::Input(TaskKey task) const { return Of(task, ".input"); }

std::filesystem::path AttemptDirs::Staged(TaskKey task, StagedId staged) const {
  return Of(task, ".staged") / std::to_string(staged.value);
}

Result<std::filesystem::path> AttemptDirs::Create(TaskKey task, std::string_view job) const {
  const std::filesystem::path work = Work(task);
  RETURN_IF_ERROR(MakeDirectory(work));
  const std::filesystem::path file = work / "job.json";
  RETURN_IF_ERROR(WriteFile(file, job));
  return file;
}

Status AttemptDirs::RecordProcess(TaskKey task, pid_t pid) const {
  const std::optional<ProcStat> stat = ReadProcStat(pid);
  if (!stat) return Ok();  // gone already
  return WriteFile(Of(task, ".process"), std::to_string(pid) + " " +
                                             std::to_string(stat->start_ticks) + " " + BootId() +
                                             " " + FolderId(root_) + "\n");
}

Status AttemptDirs::Stage(TaskKey task, StagedId staged,
                          const std::vector<std::string>& names) const {
  if (names.empty()) return InvalidArgument("no files named");
  for (const std::string& name : names) {
    if (!IsPlainRelativePath(name)) {
      return InvalidArgument("'" + name + "' is no path inside the attempt's directory");
    }
    const std::filesystem::path to = Staged(task, staged) / name;
    RETURN_IF_ERROR(MakeDirectory(to.parent_path()));
    RETURN_IF_ERROR(LinkOrCopy(Work(task) / name, to));
  }
  return Ok();
}

void AttemptDirs::Unstage(TaskKey task, StagedId staged) const { RemoveTree(Staged(task, staged)); }

void AttemptDirs::Remove(TaskKey task) const {
  for (const std::string_view suffix : {".staged", ".input", ".process", ""}) {
    RemoveTree(Of(task, suffix));
  }
}

Status AttemptDirs::KillRecorded(std::vector<std::string>& said) const {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(root_, error)) {
    if (entry.path().extension() != ".process") continue;
    Recorded recorded;
    std::istringstream(ReadLine(entry.path())) >> recorded.pid >> recorded.start_ticks >>
        recorded.boot_id >> recorded.folder_id;
    // A copied directory names processes of the agent that it was copied from, which may live.
    if (recorded.folder_id != FolderId(root_)) continue;
    const std::vector<ProcStat> living = LivingOf(recorded);
    KillAndWait(living);
    for (const ProcStat& stat : living) {
      said.push_back("killed what an earlier agent left: pid=" + std::to_string(stat.pid) +
                     " attempt=" + entry.path().stem().string());
    }
    // A member of the group may have been born meanwhile.
    KillAndWait(LivingOf(recorded));
    if (!LivingOf(recorded).empty()) {
      return FailedPrecondition("process " + std::to_string(recorded.pid) +
                                " of an earlier agent cannot be killed");
    }
  }
  return Ok();
}

std::string AttemptDirs::Identity() const { return FolderId(root_); }

Result<std::vector<std::string>> AttemptDirs::CleanUp() const {
  RETURN_IF_ERROR(MakeDirectory(root_));
  std::vector<std::string> said;
  RETURN_IF_ERROR(KillRecorded(said));
  // Some may be born while others are killed, but only by those that are left.
  std::vector<ProcStat> marked = MarkedOf(Identity());
  for (int round = 0; round < kKillRounds && !marked.empty(); ++round) {
    KillAndWait(marked);
    for (const ProcStat& stat : marked) {
      said.push_back("killed what an earlier agent left: pid=" + std::to_string(stat.pid) +
                     " outside its group");
    }
    marked = MarkedOf(Identity());
  }
  if (!marked.empty()) {
    return FailedPrecondition("process " + std::to_string(marked.front().pid) +
                              " of an earlier agent cannot be killed");
  }
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(root_, error)) {
    RemoveTree(entry.path());
  }
  return said;
}

}  // namespace fusor::agent
