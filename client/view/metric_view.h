#pragma once

// Metric series: their summaries, their points, a small chart.

#include <cstdint>
#include <string>
#include <vector>

#include "client/format/table.h"
#include "fusor/v1/trial_service.pb.h"

namespace fusor::client {

Table SeriesTable();
Row SeriesRow(const v1::Series& series);

Table PointTable();
// Every point of one message, in its order.
std::vector<Row> PointRows(const v1::Points& points);

// A finite or non-finite number as it was reported.
double PointValue(const v1::Points& points, int index);

// The values as one line of bars, `columns` wide; the smallest is lowest. Without UTF-8 empty.
std::string Sparkline(const std::vector<double>& values, std::size_t columns, const Look& look);

}  // namespace fusor::client
