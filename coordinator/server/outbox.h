#pragma once

// Performs what the core wants sent, and tells the others what was committed. The loop thread.

#include "coordinator/server/calls.h"
#include "coordinator/server/engine.h"
#include "coordinator/server/housekeeper.h"
#include "coordinator/server/live_table.h"
#include "coordinator/server/metrics_thread.h"
#include "coordinator/server/watch_hub.h"
#include "coordinator/server/worker_sessions.h"

namespace fusor {

class DaemonOutbox final : public Outbox {
 public:
  struct Parts {
    WorkerSessions* sessions = nullptr;
    Calls* calls = nullptr;
    WatchHub* hub = nullptr;
    MetricsThread* metrics = nullptr;
    LiveTable* live = nullptr;
    Housekeeper* housekeeper = nullptr;
  };
  explicit DaemonOutbox(const Parts& parts) : parts_(parts) {}

  void ToWorker(SessionId session, std::vector<CoordinatorMessage> messages) override {
    parts_.sessions->ToWorker(session, std::move(messages));
  }
  void Close(SessionId session, const std::string& reason) override {
    parts_.sessions->Close(session, reason);
  }
  void Answer(const Reply& reply) override { parts_.calls->Finish(reply); }
  void OnCommitted(const Committed& committed) override {
    if (!committed.ended_attempts.empty()) parts_.live->Remove(committed.ended_attempts);
    for (const SweepId sweep : committed.removed_sweeps) parts_.metrics->RemoveSweep(sweep);
    if (!committed.removed_artifacts.empty() || !committed.removed_sweeps.empty()) {
      parts_.housekeeper->CollectSoon();
    }
    parts_.hub->OnCommitted(committed.last_event);
  }

 private:
  const Parts parts_;
};

}  // namespace fusor
