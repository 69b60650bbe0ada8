#pragma once

// Real programs on one machine: a daemon, agents, and the `fusor` command as their user. Everything
// in a folder of its own, on ports of the system's choice; nothing outlives the object.

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/harness/program.h"

namespace fusor::integration {

struct Output {
  int exit_code = 0;
  std::string out;
  std::string err;
};

// An agent; its own directory may be that of an earlier one.
class Agent {
 public:
  Agent(const harness::Daemon& daemon, const std::filesystem::path& daemon_data,
        const std::filesystem::path& directory, const std::vector<std::string>& options);
  // One that reaches its coordinator elsewhere: over a proxy.
  Agent(const std::string& coordinator, const std::filesystem::path& daemon_data,
        const std::filesystem::path& directory, const std::vector<std::string>& options);

  harness::Program& program() { return program_; }
  std::string Log() const { return harness::Slurp(log_); }
  // Trial processes and the template: children of the agent.
  std::vector<pid_t> Children() const;
  // The template among them; 0 when there is none.
  pid_t Template() const;
  std::vector<pid_t> Trials() const;

 private:
  std::filesystem::path log_;
  harness::Program program_;
};

class Cluster {
 public:
  // Options of fusord, e.g. {"--lease", "2s"}.
  explicit Cluster(std::vector<std::string> daemon_options = {});

  const std::filesystem::path& path() const { return folder_.path(); }
  std::filesystem::path data() const { return folder_.path() / "data"; }
  harness::Daemon& daemon() { return *daemon_; }

  // Starts the daemon again, on the same address.
  void RestartDaemon();
  void KillDaemon();
  // `name` is its directory too.
  std::unique_ptr<Agent> StartAgent(const std::string& name, int slots,
                                    const std::vector<std::string>& options = {});
  // The same over another address, such as a proxy's.
  std::unique_ptr<Agent> StartAgentVia(const std::string& coordinator, const std::string& name,
                                       int slots, const std::vector<std::string>& options = {});
  std::string Log() const { return harness::Slurp(data() / "fusord.log"); }

  // Runs `fusor WORDS...` against this cluster.
  Output Fusor(const std::vector<std::string>& words) const;
  // Writes the sweep file and submits it; stops the test when refused.
  std::string Submit(const std::string& yaml);
  bool WaitEnded(const std::string& sweep, std::uint64_t trials, double seconds) const;
  // Value of the first column of the first row; empty when there is none.
  std::string Sql(const std::string& database, const std::string& query) const;
  bool WaitSql(const std::string& database, const std::string& query, const std::string& value,
               double seconds) const;

 private:
  harness::Folder folder_;
  std::vector<std::string> daemon_options_;
  std::string address_;
  std::unique_ptr<harness::Daemon> daemon_;
  int files_ = 0;
};

// Runs `fusord WORDS...` and waits; output and errors go to `folder`.
Output Fusord(const std::filesystem::path& folder, const std::vector<std::string>& words);

}  // namespace fusor::integration
