#include "tests/trainer/agent.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "common/base/check.h"

namespace fusor::testing {
namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
  Descriptor read;
  Descriptor write;
};

Pipe MakePipe() {
  int ends[2];
  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

// The program under test, started with `fds` as its descriptors 3, 4, ...
pid_t Start(const std::vector<std::string>& arguments, const std::vector<int>& fds,
            const std::string& directory, const std::string& job) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid > 0) return pid;
  std::vector<int> copies;
  for (int fd : fds) copies.push_back(fcntl(fd, F_DUPFD, 64));
  for (std::size_t i = 0; i < copies.size(); ++i) dup2(copies[i], static_cast<int>(3 + i));
  for (int copy : copies) close(copy);
  if (!directory.empty() && chdir(directory.c_str()) != 0) _exit(125);
  if (!job.empty()) setenv("FUSOR_JOB", job.c_str(), 1);
  setpgid(0, 0);
  execv(FUSOR_TRAIN, argv.data());
  _exit(126);
}

int MillisLeft(Clock::time_point deadline) {
  auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::max<std::int64_t>(left, 0));
}

double Number(const Json& value) {
  if (value.text == "nan") return std::nan("");
  if (value.text == "inf") return HUGE_VAL;
  if (value.text == "-inf") return -HUGE_VAL;
  return value.real;
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = std::filesystem::temp_directory_path() / "fusor-test-XXXXXX";
  CHECK(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

std::string JobText(const JobOptions& options) {
  return R"({"contract":1,"attempt":7,"trial":"1.a.0","number":)" + std::to_string(options.number) +
         R"(,"name":"task-0","recipe":")" + options.recipe + R"(","config":)" + options.config +
         (options.more.find("\"threads\"") == std::string::npos ? R"(,"threads":1)" : "") +
         options.more + "}";
}

std::string ResumeText(const std::string& directory, const Json& checkpoint) {
  std::string text =
      R"(,"resume":{"step":)" + std::to_string(checkpoint.Find("step")->integer) + R"(,"files":[)";
  for (const Json& file : checkpoint.Find("files")->items) {
    if (text.back() != '[') text += ',';
    text += R"({"name":")" + file.text + R"(","path":")" + directory + "/" + file.text + R"("})";
  }
  return text + "]}";
}

Trial::Trial(pid_t pid, std::string directory, Descriptor facts, Descriptor commands)
    : pid_(pid),
      directory_(std::move(directory)),
      facts_fd_(std::move(facts)),
      commands_(std::move(commands)) {}

Trial::~Trial() {
  if (exit_ || pid_ <= 0 || !facts_fd_.open()) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool Trial::ReadMore(Clock::time_point deadline) {
  pollfd wait_for{facts_fd_.get(), POLLIN, 0};
  if (poll(&wait_for, 1, MillisLeft(deadline)) <= 0) {
    ADD_FAILURE() << "no more facts before the deadline";
    return false;
  }
  char buffer[64 << 10];
  ssize_t count = read(facts_fd_.get(), buffer, sizeof buffer);
  if (count <= 0) return false;
  partial_.append(buffer, static_cast<std::size_t>(count));
  std::size_t start = 0;
  for (std::size_t end; (end = partial_.find('\n', start)) != std::string::npos; start = end + 1) {
    auto fact = ParseJson(std::string_view(partial_).substr(start, end - start));
    if (!fact.ok()) {
      ADD_FAILURE() << "no JSON: " << partial_.substr(start, end - start);
    } else if (fact->Find("contract") == nullptr) {
      facts_.push_back(std::move(*fact));
    }
  }
  partial_.erase(0, start);
  return true;
}

Json Trial::WaitFor(const std::string& kind, const std::string& name, double least) {
  const auto deadline = Clock::now() + kDeadline;
  std::size_t next = 0;
  for (;;) {
    for (; next < facts_.size(); ++next) {
      if (facts_[next].Find("f")->text != kind) continue;
      const Json* member = facts_[next].Find(name);
      if (name.empty() || (member != nullptr && member->real >= least)) return facts_[next];
    }
    if (!ReadMore(deadline)) {
      ADD_FAILURE() << "no fact '" << kind << "' with " << name << " >= " << least;
      return {};
    }
  }
}

void Trial::Send(const std::string& command) {
  const std::string line = R"({"c":")" + command + "\"}\n";
  ASSERT_EQ(write(commands_.get(), line.data(), line.size()), static_cast<ssize_t>(line.size()));
}

void Trial::Signal(int number) { ASSERT_EQ(kill(pid_, number), 0); }

Exit Trial::Finish() {
  const auto deadline = Clock::now() + kDeadline;
  while (ReadMore(deadline)) {
  }
  int status = 0;
  EXPECT_TRUE(Eventually([&] { return waitpid(pid_, &status, WNOHANG) == pid_; }));
  exit_ = WIFSIGNALED(status) ? Exit{true, WTERMSIG(status)} : Exit{false, WEXITSTATUS(status)};
  return *exit_;
}

std::vector<Json> Trial::Facts(const std::string& kind) const {
  std::vector<Json> found;
  for (const Json& fact : facts_) {
    if (fact.Find("f")->text == kind) found.push_back(fact);
  }
  return found;
}

std::map<std::string, std::map<long long, double>> Trial::Points() const {
  std::map<std::string, std::map<long long, double>> points;
  for (const Json& fact : facts_) {
    if (fact.Find("f")->text == "evaluation") {
      for (const auto& [name, value] : fact.Find("v")->members) {
        points[name][fact.Find("step")->integer] = Number(value);
      }
    }
    if (fact.Find("f")->text != "columns") continue;
    const auto& names = fact.Find("names")->items;
    const auto& steps = fact.Find("steps")->items;
    for (std::size_t i = 0; i < names.size(); ++i) {
      for (std::size_t j = 0; j < steps.size(); ++j) {
        points[names[i].text][steps[j].integer] = Number(fact.Find("v")->items[i].items[j]);
      }
    }
  }
  return points;
}

Agent::Agent() {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  int ends[2];
  CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
  socket_ = Descriptor(ends[0]);
  Descriptor theirs(ends[1]);
  template_ = Start({"fusor-train", "--template"}, {theirs.get()}, "", "");
  theirs.Reset();
  ready_ = Ask("", {});
}

Agent::~Agent() {
  socket_.Reset();
  int status = 0;
  EXPECT_TRUE(Eventually([&] { return waitpid(template_, &status, WNOHANG) != 0; }));
}

Json Agent::Ask(const std::string& packet, const std::vector<int>& descriptors) {
  if (!packet.empty()) {
    iovec part{const_cast<char*>(packet.data()), packet.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 16)] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!descriptors.empty()) {
      message.msg_control = control;
      message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptors.size());
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(sizeof(int) * descriptors.size());
      std::memcpy(CMSG_DATA(header), descriptors.data(), sizeof(int) * descriptors.size());
    }
    EXPECT_EQ(sendmsg(socket_.get(), &message, MSG_NOSIGNAL), static_cast<ssize_t>(packet.size()));
  }
  pollfd wait_for{socket_.get(), POLLIN, 0};
  char buffer[16 << 10];
  ssize_t count = poll(&wait_for, 1, MillisLeft(Clock::now() + kDeadline)) > 0
                      ? read(socket_.get(), buffer, sizeof buffer)
                      : -1;
  EXPECT_GT(count, 0) << "the template does not answer";
  auto answer =
      ParseJson(std::string_view(buffer, static_cast<std::size_t>(std::max<ssize_t>(count, 0))));
  return answer.ok() ? std::move(*answer) : Json{};
}

Trial Agent::Spawn(const JobOptions& options, const std::string& directory) {
  std::filesystem::create_directories(directory);
  WriteAll(directory + "/job.json", JobText(options));
  Pipe facts = MakePipe();
  Pipe commands = MakePipe();
  const Descriptor nowhere(open("/dev/null", O_WRONLY | O_CLOEXEC));
  Json answer =
      Ask(R"({"contract":1,"spawn":41,"job":")" + directory + R"(/job.json")" +
              R"(,"data_limit_bytes":)" + std::to_string(options.data_limit_bytes) + "}",
          {facts.write.get(), commands.read.get(), options.silent ? nowhere.get() : STDOUT_FILENO,
           options.silent ? nowhere.get() : STDERR_FILENO});
  const Json* pid = answer.Find("pid");
  EXPECT_NE(pid, nullptr);
  return Trial(pid == nullptr ? 0 : static_cast<pid_t>(pid->integer), directory,
               std::move(facts.read), std::move(commands.write));
}

Trial StartJobMode(const JobOptions& options, const std::string& directory) {
  std::filesystem::create_directories(directory);
  WriteAll(directory + "/job.json", JobText(options));
  Pipe facts = MakePipe();
  Pipe commands = MakePipe();
  pid_t pid = Start({"fusor-train"}, {facts.write.get(), commands.read.get()}, directory,
                    directory + "/job.json");
  return Trial(pid, directory, std::move(facts.read), std::move(commands.write));
}

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void WriteAll(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

bool Exists(const std::string& path) { return std::filesystem::exists(path); }

std::string ProcStatus(pid_t pid, const std::string& name) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(name + ":")) continue;
    return line.substr(line.find_first_not_of(" \t", name.size() + 1));
  }
  return "";
}

bool Eventually(const std::function<bool()>& done) {
  const auto deadline = Clock::now() + kDeadline;
  while (Clock::now() < deadline) {
    if (done()) return true;
    poll(nullptr, 0, 1);
  }
  return false;
}

Ran RunProgram(const TemporaryDirectory& root, const std::string& arguments) {
  const std::string output = root.path() + "/output";
  const std::string command = "cd " + root.path() + " && " + FUSOR_TRAIN + " " + arguments + " >" +
                              output + " 2>&1 </dev/null";
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, ReadAll(output)};
}

}  // namespace fusor::testing
