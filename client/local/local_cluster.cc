#include "client/local/local_cluster.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <deque>
#include <fstream>
#include <utility>

#include "client/link/api.h"

namespace fusor::client {

namespace {

constexpr Duration kPoll{20};
constexpr Duration kStartPatience{60'000};
constexpr Duration kWorkerGrace{120'000};  // its trials write checkpoints meanwhile
constexpr Duration kCoordinatorGrace{20'000};

std::uintmax_t SizeOf(const std::filesystem::path& file) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  return error ? 0 : size;
}

// Does a coordinator answer there?
bool Answers(const Target& target) {
  Api::Options options;
  options.address = target.address;
  options.token = target.token;
  options.deadline = Duration(3'000);
  options.patience_first = Duration(0);
  Api api(std::move(options));
  return api.Call(v1::GetInfoRequest()).ok();
}

std::optional<Target> TargetIn(const std::filesystem::path& data, pid_t pid) {
  const Result<Endpoint> endpoint = ReadEndpoint(data);
  if (!endpoint.ok() || (pid != 0 && endpoint->pid != pid)) return std::nullopt;
  const Result<std::string> token = ReadToken(data / "token");
  if (!token.ok()) return std::nullopt;
  return Target{endpoint->grpc, *token, data};
}

void StopOne(std::optional<ChildProcess>& child, Duration grace,
             const std::atomic<bool>& kill_now) {
  if (!child) return;
  child->Signal(SIGTERM);
  const auto deadline = std::chrono::steady_clock::now() + grace;
  while (!kill_now && std::chrono::steady_clock::now() < deadline) {
    if (child->WaitFor(kPoll)) return;
  }
  child->SignalGroup(SIGKILL);
  child->WaitFor(Duration(10'000));
}

}  // namespace

std::string LogTail(const std::filesystem::path& file, std::size_t lines, std::uintmax_t from) {
  std::ifstream in(file);
  in.seekg(static_cast<std::streamoff>(from));
  std::deque<std::string> tail;
  std::string line;
  while (std::getline(in, line)) {
    tail.push_back(line);
    if (tail.size() > lines) tail.pop_front();
  }
  std::string text;
  for (const std::string& each : tail) text += "\n  " + each;
  return text;
}

LocalCluster::LocalCluster(const Environment& environment, LocalOptions options)
    : environment_(environment), options_(std::move(options)) {}

LocalCluster::~LocalCluster() {
  const std::atomic<bool> kill_now{true};
  Stop(kill_now);
  if (lock_ >= 0) close(lock_);
}

std::optional<Target> LocalCluster::Join() const {
  const std::optional<Target> target = TargetIn(options_.data, 0);
  return target && Answers(*target) ? target : std::nullopt;
}

Status LocalCluster::TakeLock() {
  const std::filesystem::path file = logs() / "lock";
  lock_ = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0 || flock(lock_, LOCK_SH) != 0) {
    return Internal("cannot lock " + file.string());
  }
  return Ok();
}

bool LocalCluster::IsAlone() const {
  // Alone, the shared lock can become exclusive.
  const bool alone = flock(lock_, LOCK_EX | LOCK_NB) == 0;
  flock(lock_, LOCK_SH);
  return alone;
}

bool LocalCluster::OthersUseIt() const {
  return lock_ >= 0 && (coordinator_ || worker_) && !IsAlone();
}

Result<Target> LocalCluster::StartCoordinator(const std::function<bool()>& interrupted) {
  const Result<std::filesystem::path> program =
      FindProgram(environment_.program, "fusord", environment_.Variable("PATH"));
  if (!program.ok()) return program.status();
  ChildOptions options;
  options.program = *program;
  options.arguments = {"--data", options_.data.string(), "--listen", "127.0.0.1:0"};
  options.output = logs() / "fusord.log";
  coordinator_log_from_ = SizeOf(options.output);
  Result<ChildProcess> child = ChildProcess::Start(options);
  if (!child.ok()) return child.status();
  coordinator_.emplace(std::move(*child));
  const auto deadline = std::chrono::steady_clock::now() + kStartPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    if (const auto target = TargetIn(options_.data, coordinator_->pid())) return *target;
    if (interrupted()) return Unavailable("interrupted");
    if (coordinator_->WaitFor(kPoll)) {
      return FailedPrecondition("fusord did not start (" + coordinator_->EndText() +
                                "); its last lines, from " + options.output.string() + ":" +
                                LogTail(options.output, 5, coordinator_log_from_));
    }
  }
  return Unavailable("fusord does not come up; see " + options.output.string());
}

Status LocalCluster::StartWorker(const Target& target) {
  const Result<std::filesystem::path> program =
      FindProgram(environment_.program, "fusor-worker", environment_.Variable("PATH"));
  if (!program.ok()) return program.status();
  ChildOptions options;
  options.program = *program;
  options.arguments = {"--coordinator", target.address,
                       "--token-file",  (options_.data / "token").string(),
                       "--data",        (options_.data / "worker").string(),
                       "--name",        "local",
                       "--slots",       options_.slots};
  if (!options_.device.empty()) {
    options.arguments.insert(options.arguments.end(), {"--device", options_.device});
  }
  if (!options_.datasets.empty()) {
    options.arguments.insert(options.arguments.end(), {"--datasets", options_.datasets.string()});
  }
  options.output = logs() / "fusor-worker.log";
  worker_log_from_ = SizeOf(options.output);
  Result<ChildProcess> child = ChildProcess::Start(options);
  if (!child.ok()) return child.status();
  worker_.emplace(std::move(*child));
  return Ok();
}

Result<Target> LocalCluster::Start(const std::function<bool()>& interrupted) {
  std::error_code error;
  std::filesystem::create_directories(logs(), error);
  if (error) return Internal("cannot make " + logs().string() + ": " + error.message());
  RETURN_IF_ERROR(TakeLock());
  // One run at a time looks and starts: of two at once the second joins the first.
  const std::filesystem::path file = logs() / "start.lock";
  const int starting = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (starting < 0 || flock(starting, LOCK_EX) != 0) {
    return Internal("cannot lock " + file.string());
  }
  Result<Target> target = JoinOrStart(interrupted);
  close(starting);
  return target;
}

Result<Target> LocalCluster::JoinOrStart(const std::function<bool()>& interrupted) {
  if (std::optional<Target> running = Join()) return *running;
  Result<Target> target = StartCoordinator(interrupted);
  if (!target.ok()) return target;
  RETURN_IF_ERROR(StartWorker(*target));
  return target;
}

void LocalCluster::OnFailure(std::function<void()> failed) {
  if (!coordinator_ && !worker_) return;
  failed_ = std::move(failed);
  wake_ = eventfd(0, EFD_CLOEXEC);
  watcher_ = std::thread([this] { Watch(); });
}

void LocalCluster::Watch() {
  const auto end_of = [](const std::optional<ChildProcess>& child) {
    return child ? child->descriptor() : -1;  // poll passes over -1
  };
  std::array<pollfd, 3> polled = {
      {{end_of(coordinator_), POLLIN, 0}, {end_of(worker_), POLLIN, 0}, {wake_, POLLIN, 0}}};
  while (poll(polled.data(), polled.size(), -1) < 0 && errno == EINTR) {
  }
  if ((polled[2].revents & POLLIN) == 0) failed_();
}

std::string LocalCluster::FailureText() {
  const auto text = [&](std::optional<ChildProcess>& child, const std::string& name,
                        std::uintmax_t from) {
    if (!child || !child->WaitFor(Duration(0))) return std::string();
    const std::filesystem::path log = logs() / (name + ".log");
    return name + " has ended (" + child->EndText() + "); its last lines, from " + log.string() +
           ":" + LogTail(log, 5, from);
  };
  const std::string coordinator = text(coordinator_, "fusord", coordinator_log_from_);
  return coordinator.empty() ? text(worker_, "fusor-worker", worker_log_from_) : coordinator;
}

void LocalCluster::StopWatching() {
  if (!watcher_.joinable()) return;
  eventfd_write(wake_, 1);
  watcher_.join();
  close(wake_);
}

void LocalCluster::Stop(const std::atomic<bool>& kill_now) {
  StopWatching();
  StopOne(worker_, kWorkerGrace, kill_now);
  StopOne(coordinator_, kCoordinatorGrace, kill_now);
  worker_.reset();
  coordinator_.reset();
}

}  // namespace fusor::client
