// What the world does to a daemon: full disks, garbage on the port, clients that vanish, a dead
// template.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/harness/wait.h"
#include "tests/integration/cluster.h"

namespace fusor::integration {
namespace {

using harness::WaitUntil;

std::string Probe(const std::string& params, const std::string& rest = "") {
  return "name: probe\nobjective: {metric: val/accuracy, goal: maximize}\nresources: {device: "
         "cpu}\n"
         "stages:\n  s:\n    recipe: probe\n    params: {" +
         params + "}\n" + rest;
}

int Connect(const std::string& address) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port =
      htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  ::inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
  EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  return fd;
}

TEST(Faults, TemplateKilledWhileTrialsRun) {
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 2);
  const std::string sweep =
      cluster.Submit(Probe("steps: 100, step_ms: 10", "seeds: [0, 1, 2, 3]\n"));
  ASSERT_TRUE(WaitUntil([&] { return agent->Trials().size() == 2; }, 30)) << agent->Log();
  const pid_t process = agent->Template();
  ASSERT_GT(process, 0);
  ASSERT_EQ(::kill(process, SIGKILL), 0);
  ASSERT_TRUE(cluster.WaitEnded(sweep, 4, 60)) << agent->Log();
  // Those that ran went on; the next ones came from a new template.
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM attempt"), "4");
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM trial WHERE state = 'succeeded'"), "4");
}

TEST(Faults, NothingIsLeftWhenTheAgentIsKilled) {
  Cluster cluster;
  auto agent = cluster.StartAgent("a", 2);
  cluster.Submit(Probe("steps: 1000000, step_ms: 10", "seeds: [0, 1]\n"));
  ASSERT_TRUE(WaitUntil([&] { return agent->Trials().size() == 2; }, 30)) << agent->Log();
  const std::vector<pid_t> children = agent->Children();
  agent->program().Kill();
  for (const pid_t child : children) {
    EXPECT_TRUE(WaitUntil([&] { return ::kill(child, 0) != 0; }, 10)) << child;
  }
}

TEST(Faults, EachKindOfFailureIsToldApart) {
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 2);
  const std::string sweep = cluster.Submit(
      "name: kinds\nobjective: {metric: val/accuracy, goal: maximize}\n"
      "resources: {device: cpu, memory_gib: 0.5}\nretry: {crashes: 0}\nhang_timeout: 2s\n"
      "stages:\n  s:\n    recipe: probe\n    params: {steps: 3, fault_step: 1}\n"
      "    axes: {fault: [crash, exit, throw, nan, oom, hang]}\n");
  ASSERT_TRUE(cluster.WaitEnded(sweep, 6, 120)) << agent->Log();
  EXPECT_EQ(cluster.Sql(
                "state.db",
                "SELECT group_concat(failure, ' ') FROM (SELECT failure FROM trial ORDER BY cell)"),
            "crashed(signal) crashed(exit) crashed(exception) diverged out_of_memory(host) hung");
}

TEST(Faults, GarbageOnThePort) {
  Cluster cluster;
  const int raw = Connect(cluster.daemon().address());
  std::string noise(100'000, '\0');
  for (std::size_t i = 0; i < noise.size(); ++i)
    noise[i] = static_cast<char>(i * 2'654'435'761u >> 13);
  (void)!::send(raw, noise.data(), noise.size(), MSG_NOSIGNAL);
  ::close(raw);
  // Larger than any message may be: refused, the daemon goes on.
  const std::filesystem::path file = cluster.path() / "huge.yaml";
  std::ofstream(file) << "# " << std::string(12 << 20, 'x') << "\n" << Probe("steps: 1");
  EXPECT_NE(cluster.Fusor({"submit", file.string()}).exit_code, 0);
  EXPECT_EQ(cluster.Fusor({"ls"}).exit_code, 0);
  EXPECT_TRUE(cluster.daemon().program().Running());
}

TEST(Faults, NobodyGetsInWithoutTheToken) {
  Cluster cluster;
  const std::filesystem::path wrong = cluster.path() / "token";
  std::ofstream(wrong) << "0123456789abcdef\n";
  const Output refused = cluster.Fusor({"ls", "--token-file", wrong.string()});
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_NE(refused.err.find("token"), std::string::npos) << refused.err;
}

TEST(Faults, ClientsThatVanish) {
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 1);
  const std::string sweep = cluster.Submit(Probe("steps: 300, step_ms: 10"));
  ASSERT_TRUE(WaitUntil([&] { return !agent->Trials().empty(); }, 30)) << agent->Log();
  for (const std::string command : {"watch", "logs"}) {
    std::vector<std::string> words = {harness::Binary("fusor").string(), command, sweep, "--data",
                                      cluster.data().string()};
    if (command == "logs") words.emplace_back("-f");
    harness::Program reader(words, cluster.path() / "reader.log");
    const int opened = Connect(cluster.daemon().address());
    ::close(opened);
    reader.Kill();
  }
  ASSERT_TRUE(cluster.WaitEnded(sweep, 1, 60)) << agent->Log();
  EXPECT_EQ(cluster.Fusor({"ls"}).exit_code, 0);
}

TEST(Faults, FullDiskStopsAcknowledgingAndRecovers) {
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 1);
  ASSERT_TRUE(cluster.WaitSql("state.db", "SELECT count(*) FROM worker", "1", 30)) << agent->Log();
  // No file of the daemon may grow: what a full disk does, for one process.
  const pid_t daemon = cluster.daemon().program().pid();
  rlimit before{};
  const rlimit full{.rlim_cur = 4096, .rlim_max = RLIM_INFINITY};
  ASSERT_EQ(::prlimit(daemon, RLIMIT_FSIZE, &full, &before), 0);
  const std::filesystem::path file = cluster.path() / "late.yaml";
  std::ofstream(file) << Probe("steps: 3");
  harness::Program submit({harness::Binary("fusor").string(), "submit", file.string(),
                           "--request-id", "late", "--data", cluster.data().string()},
                          cluster.path() / "submit.log");
  const std::string http = "http://" + cluster.daemon().http() + "/healthz";
  const auto healthy = [&] {
    return std::system(("curl -sf -o /dev/null '" + http + "'").c_str()) == 0;
  };
  EXPECT_TRUE(WaitUntil([&] { return !healthy(); }, 30));
  EXPECT_TRUE(cluster.daemon().program().Running());
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM sweep"), "0");
  ASSERT_EQ(::prlimit(daemon, RLIMIT_FSIZE, &before, nullptr), 0);
  EXPECT_TRUE(WaitUntil(healthy, 30));
  EXPECT_TRUE(cluster.WaitSql("state.db", "SELECT state FROM trial", "succeeded", 60))
      << harness::Slurp(cluster.data() / "fusord.log");
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM sweep"), "1");
}

}  // namespace
}  // namespace fusor::integration
