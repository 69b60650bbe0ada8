#pragma once

// A program started by this one: in a process group of its own (Ctrl-C in the terminal does not
// reach it), told to end when this program dies. Start it from a thread that lives as long as the
// child may: the parent-death signal follows the thread.

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/base/time.h"

namespace fusor::client {

struct ChildOptions {
  std::filesystem::path program;
  std::vector<std::string> arguments;  // without the program's name
  std::filesystem::path output;        // stdout and stderr are appended there; empty = inherited
  std::filesystem::path stdout_only;   // if set, stdout goes there instead and stderr is inherited
};

class ChildProcess {
 public:
  static Result<ChildProcess> Start(const ChildOptions& options);

  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  // Kills what still runs.
  ~ChildProcess();

  pid_t pid() const { return pid_; }
  int descriptor() const { return descriptor_; }  // readable when the child has ended
  void Signal(int signal) const;                  // to the child
  void SignalGroup(int signal) const;             // to it and what it started
  // Waits at most so long for its end; true when it has ended.
  bool WaitFor(Duration duration);
  bool has_ended() const { return status_.has_value(); }
  // "exit status 1", "killed by signal 9". Requires has_ended().
  std::string EndText() const;
  // Requires has_ended().
  bool succeeded() const;

 private:
  ChildProcess(pid_t pid, int descriptor) : pid_(pid), descriptor_(descriptor) {}

  pid_t pid_;
  int descriptor_;             // a pidfd
  std::optional<int> status_;  // as waitpid gives it
};

// A sister program: beside this one, else on PATH. NotFound names both places.
Result<std::filesystem::path> FindProgram(const std::filesystem::path& self,
                                          const std::string& name, const std::string& search_path);

}  // namespace fusor::client
