// A template that forks shell scripts: the job file's text is the script. Two texts are orders to
// itself: "refuse" and "die".

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

namespace {

constexpr int kSocket = 3;

void Send(const std::string& text) { send(kSocket, text.data(), text.size(), MSG_NOSIGNAL); }

// The text after `key` up to a comma, quote or brace.
std::string After(const std::string& text, const std::string& key) {
  const std::size_t at = text.find(key) + key.size();
  return text.substr(at, text.find_first_of(",\"}", at) - at);
}

[[noreturn]] void BeTrial(const std::string& script, const int* fds, int gate) {
  setpgid(0, 0);
  char go = 0;
  if (read(gate, &go, 1) != 1) _exit(99);
  dup2(fds[2], 1);
  dup2(fds[3], 2);
  close(kSocket);
  execl("/bin/sh", "sh", "-c", script.c_str(), nullptr);
  _exit(98);
}

void Spawn(const std::string& request, const int* fds) {
  const std::string tag = After(request, "\"spawn\":");
  std::ifstream job(After(request, "\"job\":\""));
  const std::string script((std::istreambuf_iterator<char>(job)), {});
  if (script == "die") abort();
  if (script == "refuse") return Send("{\"spawn\":" + tag + ",\"error\":\"refused as asked\"}");
  int gate[2];
  if (pipe(gate) != 0) abort();
  const pid_t middle = fork();
  if (middle == 0) {
    const pid_t trial = fork();
    if (trial == 0) {
      close(gate[1]);
      BeTrial(script, fds, gate[0]);
    }
    setpgid(trial, trial);
    Send("{\"spawn\":" + tag + ",\"pid\":" + std::to_string(trial) + "}");
    _exit(0);
  }
  close(gate[0]);
  waitpid(middle, nullptr, 0);
  if (write(gate[1], "g", 1) != 1) abort();
  close(gate[1]);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 || std::strcmp(argv[1], "--template") != 0) return 2;
  Send(
      R"({"contract":1,"ready":true,"program":"fake","libtorch":"none","template_bytes":4096,"cuda":"13.0"})");
  for (;;) {
    char text[4096];
    iovec part{text, sizeof text};
    alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))];
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t count = recvmsg(kSocket, &message, MSG_CMSG_CLOEXEC);
    if (count <= 0) return 0;
    int fds[4];
    std::memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fds);
    Spawn(std::string(text, static_cast<std::size_t>(count)), fds);
    for (const int fd : fds) close(fd);
  }
}
