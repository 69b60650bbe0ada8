#pragma once

// The points of one transaction: gathered, put in key order, written many to a statement. In key
// order one page of the table is filled at a time, and of two points with one key the later one
// stays.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/base/status.h"
#include "coordinator/store/sqlite.h"

namespace fusor {

struct Point {
  std::int64_t series = 0;
  std::int64_t step = 0;
  double value = 0;  // may be NaN or infinite
  std::int64_t time_ms = 0;
  std::int64_t fact = 0;
};

class PointBatch {
 public:
  static Result<PointBatch> Prepare(const sql::Database& database);

  void Add(const Point& point) { points_.push_back(point); }
  void AddSample(const Point& point) { samples_.push_back(point); }

  // Writes everything, inside the caller's transaction, and is empty afterwards.
  Status Flush();
  void Clear();

 private:
  Status Write(std::vector<Point>& points);

  std::vector<Point> points_;
  std::vector<Point> samples_;
  sql::Statement put_many_;
  sql::Statement put_one_;
  sql::Statement put_sample_;
};

}  // namespace fusor
