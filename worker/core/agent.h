#pragma once

// The agent's decisions: a pure state machine. Owned by one thread. No clock, process, file or
// socket: time and everything else comes in with the events, what is to be done goes out as
// Effects.
//
// A turn: Apply() for each drained event with one `now`, then Pump() once; then the edge performs
// effects.persists, then effects.sends and effects.actions.
//
// The link                                A task (one process of one attempt)
//
//  down --1--> greeting --2--> welcomed     fetching --1--> waiting --2--> starting --3--> running
//   ^             |               |            |               |              |               |
//   +------3------+-------3-------+            +-------4-------+-------4------+               |5
//                                                              v                              v
//                                              gone <--7-- ended <-------6-------------- finishing
//
// Link 1 a stream opened, Hello is sent; 2 Welcome came; 3 the stream ended, or was given up.
// Task 1 inputs, resume checkpoint and data set are here (at once when there is nothing to fetch);
// 2 its slot is free and the spool takes facts; 3 the process runs; 4 stopped or failed before
// there was a process; 5 the process exited, or could not be killed; 6 its uploads are done, its
// slot is free or stuck: the final fact is appended; 7 the final fact is acknowledged. A dropped
// task (fenced) only waits for its process to end; it is not held and says nothing.

#include <memory>
#include <string>
#include <vector>

#include "common/base/session.h"
#include "common/base/time.h"
#include "worker/core/effect.h"
#include "worker/core/event.h"
#include "worker/core/task_key.h"

namespace fusor::agent {

struct AgentOptions {
  WorkerInfo info;
  std::string cluster_id;  // as saved by SaveIdentity; empty at the very first start
  std::uint64_t generation = 0;
  Duration checkpoint_grace{60'000};  // from a request to checkpoint and stop to KILL
  Duration abort_grace{2'000};        // from `abort` to KILL, half of it to TERM
  Duration exit_grace{10'000};        // from the final fact to KILL
  Duration kill_patience{10'000};     // from KILL to "this slot is stuck"
  Duration drain_patience{30'000};    // after the last process of a drain, for delivering facts
  Duration progress_every{500};       // at most one progress fact a task in this time
  Duration spool_sync_every{1'000};
  Duration greeting_patience{10'000};  // from Hello to Welcome
};

// What the spool still held of a task when the agent started; its process is gone.
struct RestoredTask {
  TaskKey task;
  std::uint64_t acknowledged = 0;
  std::uint64_t last_number = 0;
  bool has_final = false;
  // False when the newest facts may be missing (the machine went down): their numbers may have been
  // used already, so nothing can be appended. Such a task is dropped unless it is complete.
  bool tail_certain = true;
};

class Agent {
 public:
  Agent(AgentOptions options, const std::vector<RestoredTask>& restored, Time now);
  ~Agent();

  void Apply(Event event, Time now, Effects& effects);

  // Once a turn, after the events: sends facts as far as the limits allow.
  void Pump(Time now, Effects& effects);

  // The next moment at which Tick has something to do; kNever when idle.
  Time NextDeadline() const;

  // Running here, or ended with facts not yet acknowledged; ascending.
  std::vector<AttemptId> Held() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fusor::agent

namespace fusor {
using agent::Agent;
using agent::AgentOptions;
}  // namespace fusor
