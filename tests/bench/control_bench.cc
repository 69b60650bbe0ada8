#include "tests/bench/control_bench.h"

namespace fusor::bench {

void RunControl(Report& report) {
  MeasureTrials(report);
  MeasureProcesses(report);
  MeasurePoints(report);
  MeasureTrialPoints(report);
  MeasureSubmitToLease(report);
  MeasureGrantToStep(report);
  MeasureRestart(report);
  MeasureMillionCells(report);
}

}  // namespace fusor::bench
