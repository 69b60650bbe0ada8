#pragma once

// Plays the agent for the real fusor-train: starts a template, spawns trials through it, reads
// their facts, sends commands, reaps them. Every wait has a deadline.

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/text/json.h"
#include "trainer/io/descriptor.h"

namespace fusor::testing {

// Ends what hangs; a busy machine may take its time.
inline constexpr std::chrono::seconds kDeadline{600};

// A directory that goes away with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Ran {
  int status = 0;
  std::string output;  // both streams
};

// fusor-train with these arguments, as a shell reads them, in the directory; runs to its end.
Ran RunProgram(const TemporaryDirectory& root, const std::string& arguments);

struct JobOptions {
  std::string recipe = "probe";
  std::string config = "{}";  // JSON
  int number = 1;
  std::string more;  // further members of the job, each with a comma before it
  long long data_limit_bytes = 0;
  bool silent = false;  // what the trial prints goes nowhere, not to this program's own output
};

// The text of a job file.
std::string JobText(const JobOptions& options);
// The member `resume` for a `checkpoint` fact of the attempt in `directory`.
std::string ResumeText(const std::string& directory, const Json& checkpoint);

struct Exit {
  bool signaled = false;
  int code = 0;  // exit status or signal
};

// One trial process, seen from the agent.
class Trial {
 public:
  Trial(pid_t pid, std::string directory, Descriptor facts, Descriptor commands);
  Trial(Trial&&) = default;
  Trial& operator=(Trial&&) = delete;
  // Kills what still runs.
  ~Trial();

  pid_t pid() const { return pid_; }
  const std::string& directory() const { return directory_; }

  // Reads until a fact of this kind is there whose member `name`, if given, is at least `least`.
  // Fails the test at the deadline or the end of the facts.
  Json WaitFor(const std::string& kind, const std::string& name = "", double least = 0);
  void Send(const std::string& command);
  void CloseCommands() { commands_.Reset(); }
  void Signal(int number);

  // Reads all facts to the end and reaps the process.
  Exit Finish();

  // All facts read so far; the first line is not among them.
  const std::vector<Json>& facts() const { return facts_; }
  std::vector<Json> Facts(const std::string& kind) const;
  // The metric points by name, then step, as a reader would store them.
  std::map<std::string, std::map<long long, double>> Points() const;

 private:
  // Reads more; false at the end of the facts.
  bool ReadMore(std::chrono::steady_clock::time_point deadline);

  pid_t pid_;
  std::string directory_;
  Descriptor facts_fd_;
  Descriptor commands_;
  std::string partial_;
  std::vector<Json> facts_;
  std::optional<Exit> exit_;
};

class Agent {
 public:
  // Starts the template; this process becomes the reaper of its trials.
  Agent();
  // Closes the socket and waits for the template's end.
  ~Agent();

  const Json& ready() const { return ready_; }
  pid_t template_pid() const { return template_; }
  int socket() const { return socket_.get(); }

  // In a directory of its own below `root`.
  Trial Spawn(const JobOptions& options, const std::string& directory);
  // Sends any packet with these descriptors; the answer.
  Json Ask(const std::string& packet, const std::vector<int>& descriptors);
  void CloseSocket() { socket_.Reset(); }

 private:
  Descriptor socket_;
  pid_t template_ = 0;
  Json ready_;
};

// Starts fusor-train without a template, on a job file in `directory`.
Trial StartJobMode(const JobOptions& options, const std::string& directory);

std::string ReadAll(const std::string& path);
void WriteAll(const std::string& path, const std::string& text);
// The value of one line of /proc/PID/status.
std::string ProcStatus(pid_t pid, const std::string& name);
bool Exists(const std::string& path);
// Polls until `done` holds; false at the deadline.
bool Eventually(const std::function<bool()>& done);

}  // namespace fusor::testing
