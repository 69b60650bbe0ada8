#pragma once

// Decides what becomes of facts as they arrive: to metrics.db first, straight to the core, or
// nowhere because their attempt is no longer current. It learns which attempts are current from the
// core's own writes and sends, so it never disagrees with the core. Owned by the loop thread.
//
// Facts of an attempt go straight to the core as long as none of them concerns metrics.db; from the
// first that does, everything of the (attempt, rank) goes to metrics.db, and its core facts follow
// when they are stored. So metrics.db holds nothing of an attempt, or everything that state.db
// does. docs/protocol.md, "Facts", says why nothing is lost or counted twice.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/id.h"
#include "common/base/session.h"
#include "coordinator/core/effect.h"
#include "coordinator/core/event.h"
#include "coordinator/core/snapshot.h"
#include "coordinator/server/input.h"
#include "coordinator/server/metrics_queue.h"
#include "coordinator/server/stats.h"

namespace fusor {

class FactRouter {
 public:
  FactRouter(MetricsQueue& queue, Stats& stats) : queue_(queue), stats_(stats) {}

  void Restore(const Snapshot& snapshot);

  // What to tell the core, or that a stream is to be closed, or nothing.
  struct Verdict {
    std::optional<Event> event;
    std::optional<CloseStream> close;
  };
  Verdict OnFacts(SessionId session, FactsMessage facts);
  Verdict OnStored(StoredBatch batch);

  // What the core decided, in order, as it decides it.
  void OnHello(SessionId session, const std::string& uid);
  void OnClosed(SessionId session);
  void OnWrite(const Write& write);
  void OnSend(const Send& send);

 private:
  struct Rank {
    std::uint64_t received = 0;  // every fact up to this one is stored or on its way
    bool known = true;           // false until the first facts after a restart
    std::uint64_t floor = 0;     // state.db's cursor at the restart
    int pending = 0;             // runs on their way to metrics.db
    bool in_metrics = false;     // something of it went there: then everything does
    SessionId session;           // that sent last
  };
  struct Attempt {
    TrialKey trial;
    std::uint32_t number = 0;
    std::vector<WorkerId> holders;  // by rank
    std::vector<Rank> ranks;
    std::shared_ptr<AttemptFence> fence;  // made when something goes to metrics.db
  };
  struct Session {
    std::string uid;
    bool welcome = false;
  };

  Attempt* Current(SessionId session, const FactsMessage& facts);
  Verdict Straight(SessionId session, Rank& rank, FactsMessage facts);
  Verdict ByMetrics(SessionId session, Attempt& attempt, Rank& rank, FactsMessage facts);

  MetricsQueue& queue_;
  Stats& stats_;
  std::unordered_map<std::uint64_t, Attempt> attempts_;
  std::unordered_map<std::uint64_t, Session> sessions_;
  std::unordered_map<std::string, WorkerId> workers_;  // by uid
};

// Does metrics.db make a row of any of the run, or need to know it?
bool AnyConcernsMetrics(const std::vector<Fact>& facts, std::uint32_t attempt_number);

// About how much memory the fact holds.
std::size_t FactBytes(const FactBody& body);

}  // namespace fusor
