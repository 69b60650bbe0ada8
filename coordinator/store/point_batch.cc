#include "coordinator/store/point_batch.h"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "coordinator/store/stored_real.h"

namespace fusor {

namespace {

constexpr std::string_view kPutPoint =
    "REPLACE INTO point (series, step, value, nonfinite, time_ms, fact) VALUES (?,?,?,?,?,?)";
constexpr std::string_view kPutSample =
    "REPLACE INTO sample (series, step, value, nonfinite, time_ms, fact) VALUES (?,?,?,?,?,?)";

// Rows per statement. More gain nothing: what is left is the work per row.
constexpr std::size_t kRows = 32;

std::string PutManyText() {
  std::string text(kPutPoint);
  for (std::size_t i = 1; i < kRows; ++i) text += ",(?,?,?,?,?,?)";
  return text;
}

bool KeyLess(const Point& a, const Point& b) {
  return std::pair(a.series, a.step) < std::pair(b.series, b.step);
}

void BindPoint(sql::Statement& statement, const Point& point) {
  const StoredReal stored = ToStored(point.value);
  statement.Bind(point.series);
  statement.Bind(point.step);
  statement.Bind(stored.value);
  statement.Bind(static_cast<int>(stored.nonfinite));
  statement.Bind(point.time_ms);
  statement.Bind(point.fact);
}

// Of points with equal keys, which stand together in order of arrival, the last one stays.
void KeepLast(std::vector<Point>& points) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const bool replaced = i + 1 < points.size() && !KeyLess(points[i], points[i + 1]);
    if (!replaced) points[kept++] = points[i];
  }
  points.resize(kept);
}

}  // namespace

Result<PointBatch> PointBatch::Prepare(const sql::Database& database) {
  PointBatch batch;
  RETURN_IF_ERROR(database.PrepareInto(batch.put_many_, PutManyText()));
  RETURN_IF_ERROR(database.PrepareInto(batch.put_one_, kPutPoint));
  RETURN_IF_ERROR(database.PrepareInto(batch.put_sample_, kPutSample));
  return batch;
}

void PointBatch::Clear() {
  points_.clear();
  samples_.clear();
}

Status PointBatch::Flush() {
  Status status = Write(points_);
  for (const Point& sample : samples_) {
    if (!status.ok()) break;
    put_sample_.Start();
    BindPoint(put_sample_, sample);
    status = put_sample_.Finish();
  }
  Clear();
  return status;
}

Status PointBatch::Write(std::vector<Point>& points) {
  if (!std::is_sorted(points.begin(), points.end(), KeyLess)) {
    std::stable_sort(points.begin(), points.end(), KeyLess);
  }
  KeepLast(points);
  std::span<const Point> rest(points);
  for (; rest.size() >= kRows; rest = rest.subspan(kRows)) {
    put_many_.Start();
    for (const Point& point : rest.first(kRows)) BindPoint(put_many_, point);
    RETURN_IF_ERROR(put_many_.Finish());
  }
  for (const Point& point : rest) {
    put_one_.Start();
    BindPoint(put_one_, point);
    RETURN_IF_ERROR(put_one_.Finish());
  }
  return Ok();
}

}  // namespace fusor
