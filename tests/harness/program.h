#pragma once

// Programs under test as child processes: the real binaries, on folders of their own.

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace fusor::harness {

// A folder that goes with the object. On a real disk, not in memory: synced commits are measured.
class Folder {
 public:
  Folder();
  ~Folder();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class Program {
 public:
  // Output goes to `log`. The child dies with this process.
  Program(const std::vector<std::string>& command, const std::filesystem::path& log);
  ~Program();   // SIGTERM, waits
  void Kill();  // SIGKILL, waits
  void Signal(int signal) const;
  bool Running();
  pid_t pid() const { return pid_; }

 private:
  void Reap(int signal);
  pid_t pid_ = -1;
};

// Where the programs were built: beside this one.
std::filesystem::path Binary(const std::string& name);

// The whole file; empty when there is none.
std::string Slurp(const std::filesystem::path& path);

// fusord on a folder, port 0 unless `listen` says otherwise. Stops the program when it does not
// start.
class Daemon {
 public:
  explicit Daemon(const std::filesystem::path& data, const std::string& listen = "127.0.0.1:0",
                  const std::vector<std::string>& options = {});

  const std::string& address() const { return address_; }
  const std::string& http() const { return http_; }
  const std::string& token() const { return token_; }
  Program& program() { return *program_; }
  // Resident set in MiB, now.
  double ResidentMiB() const;

 private:
  std::unique_ptr<Program> program_;
  std::string address_;
  std::string http_;
  std::string token_;
};

}  // namespace fusor::harness
