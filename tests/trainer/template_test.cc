// The contract between agent and template, with the real program.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/trainer/agent.h"

namespace fusor::testing {
namespace {

const char* const kEndless = R"({"steps":1000000,"step_ms":5})";

TEST(Template, SaysWhatItIs) {
  Agent agent;
  EXPECT_TRUE(agent.ready().Find("ready")->flag);
  EXPECT_EQ(agent.ready().Find("contract")->integer, 1);
  EXPECT_TRUE(agent.ready().Find("program")->text.starts_with("fusor-train "));
  EXPECT_TRUE(agent.ready().Find("libtorch")->text.starts_with("2."));
  EXPECT_GT(agent.ready().Find("template_bytes")->integer, 10 << 20);
}

TEST(Template, HasOneThreadBeforeAndAfterTrials) {
  Agent agent;
  TemporaryDirectory root;
  EXPECT_EQ(ProcStatus(agent.template_pid(), "Threads"), "1");
  EXPECT_EQ(agent.Spawn({.config = R"({"steps":2,"matrix":64})"}, root.path() + "/a").Finish().code,
            0);
  EXPECT_EQ(ProcStatus(agent.template_pid(), "Threads"), "1");
}

TEST(Template, TrialTellsItsStory) {
  Agent agent;
  TemporaryDirectory root;
  Trial trial = agent.Spawn({.config = R"({"steps":20,"matrix":32})"}, root.path() + "/a");
  Exit exit = trial.Finish();
  EXPECT_FALSE(exit.signaled);
  EXPECT_EQ(exit.code, 0);
  std::vector<std::string> kinds;
  for (const Json& fact : trial.facts()) {
    const std::string& kind = fact.Find("f")->text;
    if (kinds.empty() || kinds.back() != kind) kinds.push_back(kind);
  }
  ASSERT_GE(kinds.size(), 4u);
  EXPECT_EQ(kinds[0], "progress");
  EXPECT_EQ(kinds[1], "started");
  EXPECT_EQ(kinds.back(), "final");
  EXPECT_EQ(trial.facts().back().Find("outcome")->text, "succeeded");
  EXPECT_EQ(trial.facts().back().Find("step")->integer, 20);
  EXPECT_EQ(trial.Facts("evaluation").size(), 10u);
  const Json* info = trial.Facts("started")[0].Find("info");
  for (const char* key : {"program", "libtorch", "host", "cpu", "isa", "threads"}) {
    EXPECT_NE(info->Find(key), nullptr) << key;
  }
  auto loss = trial.Points()["train/loss"];
  ASSERT_EQ(loss.size(), 20u);
  EXPECT_LT(loss[20], loss[1]);
  EXPECT_TRUE(Exists(root.path() + "/a/last/model.safetensors"));
}

TEST(Template, TrialWithoutStepsMakesNoFiles) {
  Agent agent;
  TemporaryDirectory root;
  Trial trial = agent.Spawn({.config = R"({"steps":0})"}, root.path() + "/a");
  EXPECT_EQ(trial.Finish().code, 0);
  EXPECT_EQ(trial.Facts("final").size(), 1u);
  EXPECT_FALSE(Exists(root.path() + "/a/last"));
}

TEST(Template, TrialIsTheAgentsChildInAGroupOfItsOwn) {
  Agent agent;
  TemporaryDirectory root;
  Trial trial = agent.Spawn({.config = kEndless}, root.path() + "/a");
  // At once: the group must be there when the answer is.
  EXPECT_EQ(getpgid(trial.pid()), trial.pid());
  trial.WaitFor("started");
  EXPECT_EQ(ProcStatus(trial.pid(), "PPid"), std::to_string(getpid()));
  EXPECT_EQ(kill(-trial.pid(), SIGKILL), 0);
  Exit exit = trial.Finish();
  EXPECT_TRUE(exit.signaled);
  EXPECT_EQ(exit.code, SIGKILL);
}

TEST(Template, TrialsOutliveTheTemplate) {
  Agent agent;
  TemporaryDirectory root;
  Trial trial = agent.Spawn({.config = kEndless}, root.path() + "/a");
  trial.WaitFor("progress", "step", 1);
  ASSERT_EQ(kill(agent.template_pid(), SIGKILL), 0);
  ASSERT_TRUE(Eventually([&] { return ProcStatus(agent.template_pid(), "State")[0] == 'Z'; }));
  const long long seen = trial.Facts("progress").back().Find("step")->integer;
  trial.WaitFor("progress", "step", static_cast<double>(seen) + 10);
  trial.Send("abort");
  EXPECT_EQ(trial.Finish().code, 3);
}

TEST(Template, EndsWithItsSocket) {
  Agent agent;
  agent.CloseSocket();
  int status = 0;
  EXPECT_TRUE(Eventually([&] { return waitpid(agent.template_pid(), &status, WNOHANG) > 0; }));
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Template, TrialsDieWithTheAgent) {
  TemporaryDirectory root;
  // The agent is a process of its own here; its trials fall to this one, which reaps them.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  Descriptor from_agent(ends[0]);
  Descriptor to_us(ends[1]);
  pid_t agent_pid = fork();
  if (agent_pid == 0) {
    Agent agent;
    Trial trial =
        agent.Spawn({.config = R"({"steps":5,"fault":"hang","fault_step":2})"}, root.path() + "/a");
    trial.WaitFor("progress", "step", 1);
    pid_t pid = trial.pid();
    if (write(to_us.get(), &pid, sizeof pid) != sizeof pid) _exit(1);
    for (;;) pause();
  }
  pid_t trial_pid = 0;
  ASSERT_EQ(read(from_agent.get(), &trial_pid, sizeof trial_pid),
            static_cast<ssize_t>(sizeof trial_pid));
  kill(agent_pid, SIGKILL);
  EXPECT_EQ(waitpid(agent_pid, nullptr, 0), agent_pid);
  // A hung trial reads no commands: only the parent-death signal ends it.
  int status = 0;
  EXPECT_TRUE(Eventually([&] { return waitpid(trial_pid, &status, WNOHANG) == trial_pid; }));
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  while (waitpid(-1, nullptr, 0) > 0) {
  }
}

TEST(Template, PinsAndLimits) {
  Agent agent;
  TemporaryDirectory root;
  cpu_set_t mine;
  sched_getaffinity(0, sizeof mine, &mine);
  int cpu = 0;
  while (!CPU_ISSET(static_cast<std::size_t>(cpu), &mine)) ++cpu;
  Trial trial =
      agent.Spawn({.config = kEndless,
                   .more = R"(,"cpus":[)" + std::to_string(cpu) + R"(],"oom_score_adj":1000)",
                   .data_limit_bytes = 256 << 20},
                  root.path() + "/a");
  trial.WaitFor("progress", "step", 1);
  EXPECT_EQ(ProcStatus(trial.pid(), "Cpus_allowed_list"), std::to_string(cpu));
  EXPECT_EQ(ReadAll("/proc/" + std::to_string(trial.pid()) + "/oom_score_adj"), "1000\n");
  rlimit limit;
  ASSERT_EQ(prlimit(trial.pid(), RLIMIT_DATA, nullptr, &limit), 0);
  EXPECT_EQ(static_cast<long long>(limit.rlim_cur),
            agent.ready().Find("template_bytes")->integer + (256 << 20));
  trial.Send("abort");
  EXPECT_EQ(trial.Finish().code, 3);
}

TEST(Template, TrialKeepsOnlyItsOwnDescriptors) {
  Agent agent;
  TemporaryDirectory root;
  Trial trial = agent.Spawn({.config = kEndless}, root.path() + "/a");
  trial.WaitFor("progress", "step", 1);
  // Descriptor 3 is a pipe, not the template's socket, and no other socket is open.
  const std::string folder = "/proc/" + std::to_string(trial.pid()) + "/fd/";
  for (int fd = 0; fd < 32; ++fd) {
    char target[256] = "";
    if (readlink((folder + std::to_string(fd)).c_str(), target, sizeof target - 1) < 0) continue;
    EXPECT_FALSE(std::string(target).starts_with("socket:")) << fd;
  }
  trial.Send("abort");
  EXPECT_EQ(trial.Finish().code, 3);
}

TEST(Template, RefusesWhatIsNoRequestAndGoesOn) {
  Agent agent;
  TemporaryDirectory root;
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  const std::vector<int> four = {null, null, null, null};
  auto error = [&](const std::string& packet, const std::vector<int>& descriptors) {
    Json answer = agent.Ask(packet, descriptors);
    const Json* text = answer.Find("error");
    return text == nullptr ? "" : text->text;
  };
  EXPECT_NE(error("garbage", {}), "");
  EXPECT_NE(error("[1]", four), "");
  EXPECT_NE(error(R"({"contract":2,"spawn":1,"job":"/x"})", four), "");
  EXPECT_NE(error(R"({"contract":1,"spawn":1})", four), "");
  EXPECT_NE(error(R"({"contract":1,"spawn":1,"job":"/x","data_limit_bytes":-1})", four), "");
  EXPECT_NE(error(R"({"contract":1,"spawn":1,"job":"/x"})", {null}), "");
  EXPECT_NE(error(R"({"contract":1,"spawn":1,"job":")" + std::string(70'000, 'x') + R"("})", four),
            "");
  close(null);
  EXPECT_EQ(agent.Spawn({.config = R"({"steps":1})"}, root.path() + "/a").Finish().code, 0);
}

TEST(Template, EchoesTheTag) {
  Agent agent;
  Json answer = agent.Ask(R"({"contract":1,"spawn":"a\"b"})", {});
  EXPECT_EQ(answer.Find("spawn")->text, "a\"b");
}

TEST(Template, ManyTrialsAtOnce) {
  Agent agent;
  TemporaryDirectory root;
  std::vector<Trial> trials;
  for (int i = 0; i < 8; ++i) {
    trials.push_back(agent.Spawn({.config = R"({"steps":5,"seed":)" + std::to_string(i) + "}"},
                                 root.path() + "/" + std::to_string(i)));
  }
  for (Trial& trial : trials) EXPECT_EQ(trial.Finish().code, 0);
}

}  // namespace
}  // namespace fusor::testing
