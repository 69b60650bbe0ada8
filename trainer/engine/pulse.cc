#include "trainer/engine/pulse.h"

namespace fusor {

void Pulse::Enter(Phase phase) {
  if (phase == now_.phase && reported_ != std::chrono::steady_clock::time_point()) return;
  now_.phase = phase;
  Report();
}

void Pulse::Position(std::int64_t step, std::int64_t steps, std::int64_t epoch) {
  now_.step = step;
  now_.steps = steps;
  now_.epoch = epoch;
}

void Pulse::Beat() {
  bool first_step = now_.phase == Phase::kTrain && !first_step_told_;
  if (first_step || std::chrono::steady_clock::now() - reported_ >= kBeatEvery) {
    first_step_told_ = first_step_told_ || first_step;
    Report();
  }
  if (now_.phase != Phase::kTrain) control_.Poll();
}

void Pulse::Report() {
  reporter_.Progress(now_);
  reported_ = std::chrono::steady_clock::now();
}

}  // namespace fusor
