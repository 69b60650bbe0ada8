#include "coordinator/server/commands.h"

#include <spdlog/spdlog.h>

#include <csignal>
#include <iostream>

#include "coordinator/server/daemon.h"
#include "coordinator/server/log.h"
#include "coordinator/server/plan_command.h"
#include "coordinator/server/stop_deadline.h"

namespace fusor {

namespace {

// Blocks the signals in this thread and all that it will start, so that only Wait() sees them.
class StopSignals {
 public:
  StopSignals() {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);  // a file at its size limit is a full disk, not a reason to die
    sigemptyset(&set_);
    for (const int each : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set_, each);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }

  // The number of the signal that asks to stop.
  int Wait() const {
    for (;;) {
      int got = 0;
      if (sigwait(&set_, &got) == 0 && got != SIGHUP) return got;
    }
  }

 private:
  sigset_t set_;
};

int Refuse(const Status& status) {
  std::cerr << "fusord: " << status.message() << std::endl;
  return 1;
}

}  // namespace

int RunServe(const ServeOptions& options) {
  const StopSignals signals;
  StartLogging(options.log_level);
  Result<std::unique_ptr<Daemon>> daemon = Daemon::Start(options);
  if (!daemon.ok()) {
    StopLogging();
    return Refuse(daemon.status());
  }
  const Endpoint& endpoint = (*daemon)->endpoint();
  spdlog::info("event=serving grpc={} http={} pid={} data={}", endpoint.grpc, endpoint.http,
               endpoint.pid, options.data.string());
  const int signal = signals.Wait();
  spdlog::info("event=stopping signal={}", signal);
  const StopDeadline deadline(options.stop_deadline);
  const Status stopped = (*daemon)->Stop();
  daemon->reset();
  if (stopped.ok()) {
    spdlog::info("event=stopped");
  } else {
    spdlog::error("event=stopped error=\"{}\"", stopped.ToString());
  }
  StopLogging();
  return stopped.ok() ? 0 : 1;
}

int RunPlan(const PlanOptions& options) {
  const Status printed = PrintPlan(options, std::cout);
  return printed.ok() ? 0 : Refuse(printed);
}

}  // namespace fusor
