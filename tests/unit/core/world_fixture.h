#pragma once

// Small worlds around a Core: specs made by hand, workers that say what a test tells them to, and a
// copy of what state.db would hold, from which the core can be restored.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/core/core.h"

namespace fusor {

// --- Specs
// ----------------------------------------------------------------------------------------

Axis IntAxis(const std::string& name, int values);
Axis TextAxis(const std::string& name, const std::vector<std::string>& values,
              ParamRole role = ParamRole::kPlain);
Axis GpuTypeAxis(const std::vector<std::string>& types);

// A stage over the axes with one seed, of the recipe `probe`.
StageSpec StageOf(const std::string& name, const std::vector<Axis>& axes = {}, int seeds = 1);
// A sweep of one stage `t` with so many trials.
SweepSpec SweepOf(int trials);
SweepSpec SweepOf(std::vector<StageSpec> stages);

// --- Workers
// --------------------------------------------------------------------------------------

WorkerInfo CpuWorker(const std::string& name, int slots);
WorkerInfo GpuWorker(const std::string& name, int slots, const std::string& type = "A100");

// --- Outcomes
// -------------------------------------------------------------------------------------

Outcome Crashed(int signal = 11);
Outcome FailedWith(Failure failure);

// --- What state.db would hold
// ---------------------------------------------------------------------

struct Tables {
  std::map<SweepId, PutSweep> sweeps;
  std::map<SweepId, std::shared_ptr<const SweepSpec>> specs;
  std::map<TrialKey, PutTrial> trials;
  std::map<AttemptId, PutAttempt> attempts;
  std::map<std::pair<AttemptId, std::uint32_t>, std::uint64_t> cursors;
  std::map<ArtifactId, PutArtifact> artifacts;
  std::map<WorkerId, PutWorker> workers;
  std::map<std::string, PutRequest> requests;
  std::vector<PutEvaluation> evaluations;
  std::vector<PutEvent> events;
  ArtifactId last_artifact;

  void Commit(const std::vector<Write>& writes);
  Snapshot Load() const;
  // No later attempt took over before it.
  bool Counts(const PutEvaluation& row) const;
};

// --- The world
// ------------------------------------------------------------------------------------

class CoreTest : public testing::Test {
 protected:
  CoreTest();

  // One turn: the events, then Schedule. What came of it is in `sent` and `tables`.
  template <class... E>
  void Turn(const E&... events) {
    Effects effects;
    (core->Apply(Event(events), now, effects), ...);
    EndTurn(std::move(effects));
  }
  void Schedule() { Turn(); }
  // Time passes; the core is ticked whenever it wants to be, as the loop does.
  void Pass(Duration duration);

  SweepId Submit(const SweepSpec& spec, const std::string& request_id = "");
  Request NextRequest();

  // A stream with a Hello; the worker's session number.
  SessionId Connect(const WorkerInfo& info, const std::vector<AttemptId>& held = {});
  void Say(SessionId session, WorkerMessage message);
  void Beat(SessionId session, const std::vector<AttemptId>& held);
  void Disconnect(SessionId session);

  // Facts of an attempt's rank, numbered from where it stands.
  void Report(SessionId session, AttemptId attempt, const std::vector<FactBody>& facts,
              std::uint32_t rank = 0);
  void End(SessionId session, AttemptId attempt, const Outcome& outcome = {},
           Duration running = Duration(0), std::uint32_t rank = 0);

  // The core dies; another one goes on from the tables. All streams are gone.
  void Restart();

  // Of the last turn.
  template <class M>
  std::vector<std::pair<SessionId, M>> SentOf() const {
    std::vector<std::pair<SessionId, M>> found;
    for (const Send& send : sent) {
      const auto* to_worker = std::get_if<SendToWorker>(&send);
      if (to_worker == nullptr) continue;
      if (const auto* message = std::get_if<M>(&to_worker->message)) {
        found.emplace_back(to_worker->session, *message);
      }
    }
    return found;
  }
  // Names of the trials started in the last turn: "1.t.0@1" is slot 0 of the worker of session 1.
  std::vector<std::string> Started() const;
  std::vector<StartMessage> Starts() const;
  Reply LastReply() const;

  TrialState StateOf(const std::string& trial) const;
  const PutTrial& RowOf(const std::string& trial) const;
  // The live attempt of the trial.
  AttemptId LiveOf(const std::string& trial) const;
  TrialKey KeyOf(const std::string& trial) const;
  std::vector<std::string> EventsOf(const std::string& kind) const;  // their reasons
  std::vector<std::string> Explain(const std::string& trial) const;

  CoreOptions options;
  std::unique_ptr<Core> core;
  Tables tables;
  Time now = FromUnixMillis(1'000'000);
  std::vector<Write> written;  // of the last turn
  std::vector<Send> sent;      // of the last turn

 private:
  void EndTurn(Effects effects);

  std::uint64_t last_session_ = 0;
  std::uint64_t last_call_ = 0;
  std::map<std::pair<AttemptId, std::uint32_t>, std::uint64_t> numbers_;
};

}  // namespace fusor
