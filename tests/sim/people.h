#pragma once

// The users of the simulated cluster: they submit their sweeps until they get an answer, pause,
// resume, cancel, retry and drain at random, and put everything right again when the faults end.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "coordinator/core/event.h"
#include "tests/sim/world.h"

namespace fusor::sim {

class People {
 public:
  explicit People(World& world);

  void Start();
  void EverySecond();
  // Every sweep was accepted and has ended.
  bool Done() const;
  std::string WhyNotSettled() const;

 private:
  std::vector<TrialKey> OpenTrials() const;
  void Submit(std::size_t index);
  void Act();
  void PauseOrResume(SweepId sweep);
  Request NextRequest(const std::string& what);

  World& world_;
  Random random_;
  std::uint64_t next_call_ = 1;
  std::uint64_t next_request_ = 1;
  std::map<std::size_t, SweepId> accepted_;
};

}  // namespace fusor::sim
