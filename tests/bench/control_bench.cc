#include "tests/bench/control_bench.h"

#include <utility>

namespace fusor::bench {

void RunControl(Report& report, std::string_view only) {
  constexpr std::pair<std::string_view, void (*)(Report&)> kParts[] = {
      {"trials", MeasureTrials},
      {"processes", MeasureProcesses},
      {"points", MeasurePoints},
      {"trial-points", MeasureTrialPoints},
      {"submit-to-lease", MeasureSubmitToLease},
      {"grant-to-step", MeasureGrantToStep},
      {"restart", MeasureRestart},
      {"million-cells", MeasureMillionCells},
  };
  for (const auto& [name, measure] : kParts) {
    if (only.empty() || only == name) measure(report);
  }
}

}  // namespace fusor::bench
