#pragma once

// BENCH=control: the control plane's figures (docs/performance.md explains each row).

#include <string_view>

#include "tests/bench/report.h"

namespace fusor::bench {

// `only` names one part; empty = all.
void RunControl(Report& report, std::string_view only);

// Its parts.
void MeasureTrials(Report& report);       // trials a second, simulated workers
void MeasureProcesses(Report& report);    // real trial processes a second
void MeasurePoints(Report& report);       // metric points a second, simulated agents
void MeasureTrialPoints(Report& report);  // metric points a second, one real trial process
void MeasureSubmitToLease(Report& report);
void MeasureGrantToStep(Report& report);
void MeasureRestart(Report& report);
void MeasureMillionCells(Report& report);

}  // namespace fusor::bench
