#include "tests/integration/cluster.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/harness/wait.h"

namespace fusor::integration {

namespace {

std::vector<std::string> Command(const std::string& coordinator,
                                 const std::filesystem::path& daemon_data,
                                 const std::filesystem::path& directory,
                                 const std::vector<std::string>& options) {
  std::vector<std::string> command = {harness::Binary("fusor-worker").string(),
                                      "--coordinator",
                                      coordinator,
                                      "--token-file",
                                      (daemon_data / "token").string(),
                                      "--data",
                                      directory.string(),
                                      "--device",
                                      "cpu"};
  command.insert(command.end(), options.begin(), options.end());
  return command;
}

std::filesystem::path LogOf(const std::filesystem::path& directory) {
  return directory.string() + ".log";
}

Output RunProgram(const std::string& name, const std::filesystem::path& folder,
                  const std::vector<std::string>& words) {
  const std::filesystem::path out = folder / "out.txt";
  const std::filesystem::path err = folder / "err.txt";
  std::string line = "'" + harness::Binary(name).string() + "'";
  for (const std::string& word : words) line += " '" + word + "'";
  line += " >'" + out.string() + "' 2>'" + err.string() + "' </dev/null";
  const int status = std::system(line.c_str());
  return {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          .out = harness::Slurp(out),
          .err = harness::Slurp(err)};
}

}  // namespace

Agent::Agent(const harness::Daemon& daemon, const std::filesystem::path& daemon_data,
             const std::filesystem::path& directory, const std::vector<std::string>& options)
    : Agent(daemon.address(), daemon_data, directory, options) {}

Agent::Agent(const std::string& coordinator, const std::filesystem::path& daemon_data,
             const std::filesystem::path& directory, const std::vector<std::string>& options)
    : log_(LogOf(directory)),
      program_(Command(coordinator, daemon_data, directory, options), LogOf(directory)) {}

std::vector<pid_t> Agent::Children() const {
  std::vector<pid_t> children;
  std::error_code ignored;
  const std::string self = "/proc/" + std::to_string(program_.pid()) + "/task";
  for (const auto& thread : std::filesystem::directory_iterator(self, ignored)) {
    std::istringstream text(harness::Slurp(thread.path() / "children"));
    for (pid_t child = 0; text >> child;) children.push_back(child);
  }
  return children;
}

pid_t Agent::Template() const {
  const std::vector<pid_t> trials = Trials();
  for (const pid_t child : Children()) {
    if (std::find(trials.begin(), trials.end(), child) == trials.end()) return child;
  }
  return 0;
}

// The template leads no trial: it stays in the agent's own group, every trial leads one.
std::vector<pid_t> Agent::Trials() const {
  std::vector<pid_t> trials;
  for (const pid_t child : Children()) {
    const std::string directory =
        std::filesystem::path("/proc/" + std::to_string(child) + "/cwd").string();
    std::error_code failed;
    const std::filesystem::path cwd = std::filesystem::read_symlink(directory, failed);
    if (!failed && cwd.string().find("/attempts/") != std::string::npos) trials.push_back(child);
  }
  return trials;
}

Cluster::Cluster(std::vector<std::string> daemon_options)
    : daemon_options_(std::move(daemon_options)) {
  daemon_ = std::make_unique<harness::Daemon>(data(), "127.0.0.1:0", daemon_options_);
  address_ = daemon_->address();
}

void Cluster::KillDaemon() { daemon_->program().Kill(); }

void Cluster::RestartDaemon() {
  daemon_.reset();
  daemon_ = std::make_unique<harness::Daemon>(data(), address_, daemon_options_);
}

std::unique_ptr<Agent> Cluster::StartAgent(const std::string& name, int slots,
                                           const std::vector<std::string>& options) {
  return StartAgentVia(daemon_->address(), name, slots, options);
}

std::unique_ptr<Agent> Cluster::StartAgentVia(const std::string& coordinator,
                                              const std::string& name, int slots,
                                              const std::vector<std::string>& options) {
  std::vector<std::string> all = {"--name", name, "--slots", std::to_string(slots)};
  all.insert(all.end(), options.begin(), options.end());
  return std::make_unique<Agent>(coordinator, data(), path() / name, all);
}

Output Cluster::Fusor(const std::vector<std::string>& words) const {
  std::vector<std::string> all = words;
  all.insert(all.end(), {"--data", data().string()});
  return RunProgram("fusor", path(), all);
}

std::string Cluster::Submit(const std::string& yaml) {
  const std::filesystem::path file = path() / ("sweep" + std::to_string(++files_) + ".yaml");
  std::ofstream(file) << yaml;
  // "Does not answer" on a machine with much else to do: asked again, under the same id.
  const std::string id = "test-" + std::to_string(files_);
  Output output;
  (void)harness::WaitUntil(
      [&] {
        output = Fusor({"submit", file.string(), "-o", "id", "--request-id", id});
        return output.exit_code != 3;
      },
      60);
  EXPECT_EQ(output.exit_code, 0) << output.err;
  return output.out.substr(0, output.out.find('\n'));
}

std::string Cluster::Sql(const std::string& database, const std::string& query) const {
  sqlite3* db = nullptr;
  sqlite3_stmt* statement = nullptr;
  std::string value;
  const std::filesystem::path file = data() / database;
  if (sqlite3_open_v2(file.c_str(), &db, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK) {
    sqlite3_busy_timeout(db, 5'000);
    const int prepared = sqlite3_prepare_v2(db, query.c_str(), -1, &statement, nullptr);
    EXPECT_EQ(prepared, SQLITE_OK) << sqlite3_errmsg(db);
    if (prepared == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
      if (text != nullptr) value = text;
    }
  }
  sqlite3_finalize(statement);
  sqlite3_close(db);
  return value;
}

bool Cluster::WaitSql(const std::string& database, const std::string& query,
                      const std::string& value, double seconds) const {
  return harness::WaitUntil([&] { return Sql(database, query) == value; }, seconds);
}

bool Cluster::WaitEnded(const std::string& sweep, std::uint64_t trials, double seconds) const {
  return WaitSql("state.db",
                 "SELECT count(*) FROM trial WHERE sweep = " + sweep +
                     " AND state IN ('succeeded', 'failed', 'canceled', 'skipped')",
                 std::to_string(trials), seconds);
}

Output Fusord(const std::filesystem::path& folder, const std::vector<std::string>& words) {
  return RunProgram("fusord", folder, words);
}

}  // namespace fusor::integration
