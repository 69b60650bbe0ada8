#include "tests/unit/client/command_fixture.h"

namespace fusor::client {

v1::Sweep MakeSweep(std::uint64_t id, const std::string& name, v1::SweepState state,
                    const std::map<v1::TrialState, std::uint64_t>& counts) {
  v1::Sweep sweep;
  sweep.set_id(id);
  sweep.set_name(name);
  sweep.set_state(state);
  sweep.set_priority(50);
  sweep.set_objective_metric("val/accuracy");
  sweep.set_objective_maximize(true);
  sweep.mutable_submitted()->set_seconds(1'750'000'000 - 60);
  v1::StageStatus* stage = sweep.add_stages();
  stage->set_name("fit");
  stage->set_recipe("probe");
  stage->add_axes("model");
  for (const auto& [trial_state, count] : counts) {
    for (v1::StateCount* each : {sweep.add_counts(), stage->add_counts()}) {
      each->set_state(trial_state);
      each->set_count(count);
    }
    sweep.set_trials(sweep.trials() + count);
  }
  stage->set_trials(sweep.trials());
  stage->set_cells(sweep.trials());
  return sweep;
}

}  // namespace fusor::client
