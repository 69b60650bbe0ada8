#include "tests/harness/program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "common/base/check.h"
#include "tests/harness/wait.h"

namespace fusor::harness {

Folder::Folder() {
  const char* base = std::getenv("TMPDIR");
  std::string pattern = std::string(base != nullptr ? base : "/var/tmp") + "/fusor-XXXXXX";
  CHECK(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Program::Program(const std::vector<std::string>& command, const std::filesystem::path& log) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_ = ::fork();
  CHECK(pid_ >= 0);
  if (pid_ > 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Whoever runs the tests in the background lets them ignore Ctrl-C; the program must not.
  ::signal(SIGINT, SIG_DFL);
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::dup2(out, 1);
  ::dup2(out, 2);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

void Program::Reap(int signal) {
  if (pid_ < 0) return;
  ::kill(pid_, signal);
  ::kill(pid_, SIGCONT);  // a test may have stopped it
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

Program::~Program() { Reap(SIGTERM); }

void Program::Kill() { Reap(SIGKILL); }

void Program::Signal(int signal) const {
  if (pid_ > 0) ::kill(pid_, signal);
}

bool Program::Running() {
  if (pid_ < 0) return false;
  if (::waitpid(pid_, nullptr, WNOHANG) == 0) return true;
  pid_ = -1;
  return false;
}

std::filesystem::path Binary(const std::string& name) {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

std::string Slurp(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

Daemon::Daemon(const std::filesystem::path& data, const std::string& listen,
               const std::vector<std::string>& options) {
  std::filesystem::create_directories(data);
  std::filesystem::remove(data / "endpoint");
  const std::filesystem::path log = data / "fusord.log";
  std::vector<std::string> command = {Binary("fusord").string(),
                                      "--data",
                                      data.string(),
                                      "--listen",
                                      listen,
                                      "--http",
                                      "127.0.0.1:0"};
  command.insert(command.end(), options.begin(), options.end());
  program_ = std::make_unique<Program>(command, log);
  const auto read_address = [&] {
    std::istringstream lines(Slurp(data / "endpoint"));
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("grpc=")) address_ = line.substr(5);
      if (line.starts_with("http=")) http_ = line.substr(5);
    }
    return !address_.empty() || !program_->Running();
  };
  if (!WaitUntil(read_address, 60) || address_.empty()) {
    std::fprintf(stderr, "fusord did not start:\n%s\n", Slurp(log).c_str());
    std::exit(1);
  }
  token_ = Slurp(data / "token");
  while (!token_.empty() && token_.back() == '\n') token_.pop_back();
}

double Daemon::ResidentMiB() const {
  std::ifstream status("/proc/" + std::to_string(program_->pid()) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  }
  return 0;
}

}  // namespace fusor::harness
