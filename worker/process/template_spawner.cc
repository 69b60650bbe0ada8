#include "worker/process/template_spawner.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "common/text/json.h"
#include "worker/process/json_cursor.h"
#include "worker/system/files.h"

namespace fusor::agent {

namespace {

constexpr std::size_t kPacketBytesMax = 64 << 10;
constexpr std::size_t kWaitingMax = 4'096;
constexpr std::size_t kAskedMax = 32;  // so that the socket never fills
constexpr int kTemplateSocket = 3;

struct Packet {
  std::uint64_t tag = 0;
  pid_t pid = 0;
  std::string error;
  bool ready = false;
  TemplateInfo info;
};

std::optional<Packet> ParsePacket(std::string_view text) {
  Packet packet;
  JsonCursor in(text);
  std::string_view key;
  std::int64_t number = 0;
  for (bool more = in.BeginObject(); more && in.NextKey(key);) {
    if (key == "spawn") {
      more = in.Int(number);
      packet.tag = static_cast<std::uint64_t>(number);
    } else if (key == "pid") {
      more = in.Int(number);
      packet.pid = static_cast<pid_t>(number);
    } else if (key == "error") {
      more = in.String(packet.error);
    } else if (key == "ready") {
      more = in.Bool(packet.ready);
    } else if (key == "program") {
      more = in.String(packet.info.program);
    } else if (key == "libtorch") {
      more = in.String(packet.info.libtorch);
    } else if (key == "cuda") {
      more = in.String(packet.info.cuda);
    } else if (key == "template_bytes") {
      more = in.Int(number);
      packet.info.template_bytes = static_cast<std::uint64_t>(number);
    } else {
      more = in.Skip();
    }
  }
  if (!in.AtEnd()) return std::nullopt;
  return packet;
}

// Symbols are bound once, in the template: bound when they are first called, each trial would look
// them all up again.
constexpr std::string_view kBindNow = "LD_BIND_NOW=";

std::vector<std::string> TemplateEnvironment() {
  std::vector<std::string> entries = {std::string(kBindNow) + "1"};
  for (char** at = environ; *at != nullptr; ++at) {
    if (!std::string_view(*at).starts_with(kBindNow)) entries.emplace_back(*at);
  }
  return entries;
}

std::vector<char*> Pointers(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

[[noreturn]] void BeTemplate(int socket, pid_t agent, char* const* argv, char* const* envp) {
  // Not in the terminal's group: Ctrl-C is the agent's to handle.
  setpgid(0, 0);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != agent) _exit(127);
  ResetSignals();
  const int null = open("/dev/null", O_RDONLY);
  if (null >= 0) dup2(null, 0);
  if (socket == kTemplateSocket) {
    fcntl(socket, F_SETFD, 0);
  } else {
    dup2(socket, kTemplateSocket);
  }
  close_range(kTemplateSocket + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  execve(argv[0], argv, envp);
  _exit(127);
}

std::string HowItEnded(int status) {
  if (WIFSIGNALED(status)) return "ended by signal " + std::to_string(WTERMSIG(status));
  return "exited with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

TemplateSpawner::TemplateSpawner(Loop& loop, ChildWatch& children, Options options,
                                 Listener listener)
    : loop_(loop),
      children_(children),
      options_(std::move(options)),
      listener_(std::move(listener)) {}

TemplateSpawner::~TemplateSpawner() {
  *alive_ = false;
  if (socket_) loop_.Unwatch(socket_.get());
  if (pid_ > 0) kill(pid_, SIGKILL);
}

void TemplateSpawner::Start() {
  const Status status = Launch();
  if (!status.ok()) Ended(status.message());
}

Status TemplateSpawner::Launch() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return SystemError("socketpair");
  }
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  std::vector<std::string> words = {options_.program};
  words.insert(words.end(), options_.args.begin(), options_.args.end());
  std::vector<std::string> environment = TemplateEnvironment();
  const std::vector<char*> argv = Pointers(words);
  const std::vector<char*> envp = Pointers(environment);
  const pid_t agent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return SystemError("fork");
  if (pid == 0) BeTemplate(theirs.get(), agent, argv.data(), envp.data());
  pid_ = pid;
  socket_ = std::move(ours);
  children_.Watch(pid, [this, alive = alive_](int status) {
    if (*alive) Ended(HowItEnded(status));
  });
  loop_.Watch(socket_.get(), EPOLLIN, [this](std::uint32_t) { OnPacket(); });
  return Ok();
}

void TemplateSpawner::Ended(std::string why) {
  if (socket_) loop_.Unwatch(socket_.get());
  socket_.Reset();
  pid_ = 0;
  starts_in_vain_ = ready_ ? 0 : starts_in_vain_ + 1;
  ready_ = false;
  // Whether these were forked cannot be known; a trial whose number was not told does not start.
  const std::map<std::uint64_t, Answer> asked = std::exchange(asked_, {});
  for (const auto& [tag, answer] : asked) {
    children_.ExpectLess();
    answer(Unavailable("the trainer's template " + why));
  }
  std::deque<Asked> hopeless;
  if (starts_in_vain_ >= 3) hopeless.swap(waiting_);
  for (const Asked& each : hopeless) {
    each.answer(Unavailable("the trainer's template does not start: it " + why));
  }
  listener_.ended(why);
  const int doublings = std::min(starts_in_vain_, 10);
  const Duration wait = starts_in_vain_ == 0 ? Duration(0)
                                             : std::min(options_.restart_wait * (1 << doublings),
                                                        options_.restart_wait_max);
  loop_.At(loop_.Now() + wait, [this, alive = alive_] {
    if (*alive) Start();
  });
}

void TemplateSpawner::OnPacket() {
  char text[kPacketBytesMax];
  const ssize_t count = recv(socket_.get(), text, sizeof text, MSG_DONTWAIT);
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (count <= 0) {
    // Its end follows by the reaper; a template without its socket is of no use.
    loop_.Unwatch(socket_.get());
    kill(pid_, SIGKILL);
    return;
  }
  HandlePacket(std::string_view(text, static_cast<std::size_t>(count)));
}

void TemplateSpawner::HandlePacket(std::string_view text) {
  const std::optional<Packet> packet = ParsePacket(text);
  if (!packet) return;
  if (packet->ready) {
    ready_ = true;
    listener_.ready(packet->info);
    SendWaiting();
  } else if (packet->pid > 0) {
    AnswerTag(packet->tag, packet->pid);
  } else {
    AnswerTag(packet->tag, Unavailable("the trainer's template: " + packet->error));
  }
}

void TemplateSpawner::AnswerTag(std::uint64_t tag, Result<pid_t> result) {
  const auto found = asked_.find(tag);
  if (found == asked_.end()) return;
  const Answer answer = std::move(found->second);
  asked_.erase(found);
  answer(std::move(result));
  children_.ExpectLess();
  SendWaiting();
}

void TemplateSpawner::Spawn(SpawnRequest request, Answer answer) {
  if (waiting_.size() >= kWaitingMax) {
    return answer(ResourceExhausted("too many trials wait for the trainer's template"));
  }
  waiting_.push_back({std::move(request), std::move(answer)});
  SendWaiting();
}

void TemplateSpawner::SendWaiting() {
  while (ready_ && !waiting_.empty() && asked_.size() < kAskedMax) {
    Asked next = std::move(waiting_.front());
    waiting_.pop_front();
    const std::uint64_t tag = next_tag_++;
    const Status sent = Send(tag, next.request);
    if (!sent.ok()) {
      next.answer(sent);
      continue;
    }
    children_.ExpectMore();
    asked_.emplace(tag, std::move(next.answer));
  }
}

Status TemplateSpawner::Send(std::uint64_t tag, const SpawnRequest& request) {
  JsonWriter json;
  json.BeginObject().Key("contract").Int(1).Key("spawn").Int(static_cast<std::int64_t>(tag));
  json.Key("job").Text(request.job_file.string());
  json.Key("data_limit_bytes").Int(static_cast<std::int64_t>(request.data_limit_bytes)).EndObject();
  std::string text = json.Take();
  const int fds[4] = {request.ends.facts.get(), request.ends.commands.get(), request.ends.out.get(),
                      request.ends.err.get()};
  iovec part{text.data(), text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fds)] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fds);
  std::memcpy(CMSG_DATA(header), fds, sizeof fds);
  if (sendmsg(socket_.get(), &message, MSG_NOSIGNAL) < 0) {
    return SystemError("ask the trainer's template");
  }
  return Ok();
}

}  // namespace fusor::agent
