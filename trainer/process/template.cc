#include "trainer/process/template.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/recipe/value.h"
#include "trainer/process/child.h"
#include "trainer/process/heap.h"
#include "trainer/process/proc_status.h"

namespace fusor {
namespace {

struct Gate {
  Descriptor read;
  Descriptor write;
};

Result<Gate> MakeGate() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return Unavailable(std::string("pipe: ") + std::strerror(errno));
  }
  return Gate{Descriptor(ends[0]), Descriptor(ends[1])};
}

std::string Answer(const std::string& tag, pid_t pid) {
  return "{\"spawn\":" + tag + ",\"pid\":" + std::to_string(pid) + "}";
}

std::string Refusal(const std::string& tag, const std::string& reason) {
  return "{\"spawn\":" + tag + ",\"error\":" + JsonQuote(reason) + "}";
}

class Template {
 public:
  explicit Template(const TemplateOptions& options)
      : options_(options), agent_(getppid()), data_bytes_(ReadProcStatus().data_bytes) {}

  int Serve() {
    if (!SendPacket(options_.socket, Ready())) return 1;
    for (;;) {
      Packet packet = ReceivePacket(options_.socket);
      if (packet.closed) return 0;
      Status status = packet.request.ok() ? Spawn(*packet.request) : packet.request.status();
      if (!status.ok() && !SendPacket(options_.socket, Refusal(packet.tag, status.message()))) {
        return 0;
      }
    }
  }

 private:
  std::string Ready() const {
    std::string text = "{\"contract\":1,\"ready\":true,\"program\":" + JsonQuote(options_.program) +
                       ",\"libtorch\":" + JsonQuote(options_.libtorch) +
                       ",\"template_bytes\":" + std::to_string(data_bytes_);
    if (!options_.cuda.empty()) text += ",\"cuda\":" + JsonQuote(options_.cuda);
    return text + "}";
  }

  Status Spawn(const SpawnRequest& request) {
    // A second thread's locks would be copied in whatever state they are in.
    if (ThreadCount() != 1) return Internal("the template has other threads: " + ThreadNames());
    auto gate = MakeGate();
    if (!gate.ok()) return gate.status();
    pid_t middle = StartMiddle(request, *gate);
    if (middle < 0) return Unavailable(std::string("fork: ") + std::strerror(errno));
    gate->read.Reset();
    int ended = 0;
    while (waitpid(middle, &ended, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(ended) || WEXITSTATUS(ended) != 0) {
      return Unavailable("the trial could not be forked: " +
                         std::string(std::strerror(WIFEXITED(ended) ? WEXITSTATUS(ended) : EINTR)));
    }
    char go = 1;
    while (write(gate->write.get(), &go, 1) < 0 && errno == EINTR) {
    }
    return Ok();
  }

  // The middle runs in the template's own memory while the template stands still: copying the page
  // tables a second time took 2 ms a trial. It changes nothing there and ends by _exit.
  pid_t StartMiddle(const SpawnRequest& request, Gate& gate) {
    pid_t middle = vfork();
    if (middle == 0) BeMiddle(request, gate);
    return middle;
  }

  [[noreturn]] void BeMiddle(const SpawnRequest& request, Gate& gate) {
    pid_t trial = fork();
    if (trial < 0) _exit(errno);
    if (trial == 0) BeTrial(request, gate);
    // Before the answer, so that whoever reads the number can signal the group.
    setpgid(trial, trial);
    bool sent = SendPacket(options_.socket, Answer(request.tag, trial));
    _exit(sent ? 0 : EPIPE);
  }

  [[noreturn]] void BeTrial(const SpawnRequest& request, Gate& gate) {
    setpgid(0, 0);
    gate.write.Reset();
    char go = 0;
    ssize_t count;
    while ((count = read(gate.read.get(), &go, 1)) < 0 && errno == EINTR) {
    }
    if (count != 1) _exit(kExitNotStarted);
    ChildSetup setup;
    setup.parent = agent_;
    setup.data_limit_bytes =
        request.data_limit_bytes == 0 ? 0 : data_bytes_ + request.data_limit_bytes;
    setup.directory = request.job_path.substr(0, request.job_path.rfind('/') + 1);
    EnterChild(setup, request.descriptors);
    _exit(options_.run(request.job_path));
  }

  const TemplateOptions& options_;
  const pid_t agent_;
  const std::uint64_t data_bytes_;
};

}  // namespace

int ServeTemplate(const TemplateOptions& options) {
  // Everything that will be shared is there by now.
  CollapseHeap();
  return Template(options).Serve();
}

}  // namespace fusor
