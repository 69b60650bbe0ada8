#pragma once

// BENCH=store: the two databases alone, against SQLite with nothing around it.

#include "tests/bench/report.h"

namespace fusor::bench {

void RunStore(Report& report);

// Its parts.
void MeasureStateCommits(Report& report);
void MeasureStateLoad(Report& report);
void MeasureMetricsCommits(Report& report);
void MeasureUploads(Report& report);

}  // namespace fusor::bench
