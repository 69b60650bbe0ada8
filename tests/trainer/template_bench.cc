// How fast trial processes come and go, with this process as the agent:
//   trainer_template_bench [SECONDS]
// Not a test: it measures, and says on what.

#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "tests/trainer/agent.h"

namespace fusor::testing {
namespace {

using Clock = std::chrono::steady_clock;

double Seconds(Clock::time_point since) {
  return std::chrono::duration<double>(Clock::now() - since).count();
}

double Percentile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

// Trials that do nothing, `slots` at a time.
double TrialsPerSecond(Agent& agent, const std::string& root, std::size_t slots, double seconds) {
  std::deque<Trial> running;
  int finished = 0;
  const auto begun = Clock::now();
  for (int i = 0; Seconds(begun) < seconds; ++i) {
    running.push_back(agent.Spawn({.config = R"({"steps":0})"}, root + "/" + std::to_string(i)));
    if (running.size() < slots) continue;
    finished += running.front().Finish().code == 0 ? 1 : 0;
    running.pop_front();
  }
  const double rate = finished / Seconds(begun);
  for (Trial& trial : running) trial.Finish();
  return rate;
}

std::vector<double> GrantToFirstStep(Agent& agent, const std::string& root, int trials) {
  std::vector<double> millis;
  for (int i = 0; i < trials; ++i) {
    const auto begun = Clock::now();
    Trial trial =
        agent.Spawn({.config = R"({"steps":1,"matrix":256})"}, root + "/first" + std::to_string(i));
    trial.WaitFor("progress", "step", 1);
    millis.push_back(1e3 * Seconds(begun));
    trial.Finish();
  }
  return millis;
}

double PointsPerSecond(Agent& agent, const std::string& root) {
  const auto begun = Clock::now();
  Trial trial =
      agent.Spawn({.config = R"({"steps":20000,"metrics_per_step":50})"}, root + "/points");
  trial.Finish();
  return 20'000.0 * 50 / Seconds(begun);
}

void Measure(double seconds) {
  TemporaryDirectory root;
  Agent agent;
  std::printf("cores %u\n", std::thread::hardware_concurrency());
  for (std::size_t slots : {std::size_t{1}, std::size_t{2}}) {
    std::printf("probe trials of 0 steps, %zu slots: %.0f a second\n", slots,
                TrialsPerSecond(agent, root.path(), slots, seconds));
  }
  const auto first = GrantToFirstStep(agent, root.path(), 100);
  std::printf("grant to first step (matrix 256, one thread): p50 %.1f ms, p99 %.1f ms\n",
              Percentile(first, 0.5), Percentile(first, 0.99));
  std::printf("metric points of one trial, parsed here: %.0f a second\n",
              PointsPerSecond(agent, root.path()));
}

}  // namespace
}  // namespace fusor::testing

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::strtod(argv[1], nullptr) : 5;
  fusor::testing::Measure(seconds);
  return 0;
}
