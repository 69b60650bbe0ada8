#pragma once

// What `watch` knows: the newest state that the coordinator sent, and what happened lately.

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/view/convert.h"
#include "client/view/pace.h"
#include "common/base/time.h"
#include "fusor/v1/sweep_service.pb.h"

namespace fusor::client {

// Something that happened, as people read it.
struct Happening {
  Time time;
  std::string who;   // a trial's readable name, or empty
  std::string what;  // "succeeded", "failed"
  std::string why;
  Style style = Style::kPlain;
};

class WatchModel {
 public:
  explicit WatchModel(v1::Sweep sweep) : sweep_(std::move(sweep)) {}

  // Takes one message in; gives what of it is worth a line.
  std::vector<Happening> Apply(const v1::WatchSweepResponse& message, Time now);

  // Shown while there is something to say: the lost connection, why nothing runs.
  void SetConnectionNote(std::string note) { connection_note_ = std::move(note); }
  void SetWaitingNote(std::string note) { waiting_note_ = std::move(note); }

  const v1::Sweep& sweep() const { return sweep_; }
  const std::vector<v1::RunningTrial>& running() const { return running_; }
  const std::vector<v1::SlotUse>& slots() const { return slots_; }
  const std::deque<Happening>& recent() const { return recent_; }
  const std::string& connection_note() const { return connection_note_; }
  const std::string& waiting_note() const { return waiting_note_; }
  std::uint64_t cursor() const { return cursor_; }

  // Done trials and the done parts of running ones.
  double Work() const;
  std::optional<Duration> Left() const;
  // The readable name of a running trial's attempt; empty if it is not known.
  std::string NameOfAttempt(std::uint64_t attempt) const;

 private:
  using Key = std::pair<std::uint32_t, std::uint64_t>;  // stage, cell

  std::optional<Happening> Told(const v1::Event& event) const;
  std::string NameOf(const v1::TrialRef& ref) const;

  v1::Sweep sweep_;
  std::vector<v1::RunningTrial> running_;
  std::vector<v1::SlotUse> slots_;
  std::deque<Happening> recent_;
  std::map<Key, std::string> names_;  // of trials that ran lately
  std::string connection_note_;
  std::string waiting_note_;
  std::uint64_t cursor_ = 0;
  Pace pace_;
};

// The done part of a running trial, 0 when unknown.
double Fraction(const v1::RunningTrial& trial);

}  // namespace fusor::client
