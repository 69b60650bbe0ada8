#pragma once

// What a trial says, line by line (docs/trainer_contract.md), as events of the agent's core. Metric
// points of neighbouring lines with the same names are packed into one fact.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/session.h"
#include "worker/core/event.h"
#include "worker/process/json_cursor.h"

namespace fusor::agent {

inline constexpr std::size_t kFactLineBytesMax = 1 << 20;

// Files that the trial says are complete; whoever gets this links them aside at once.
struct FilesReported {
  bool checkpoint = false;
  std::string kind;  // of an artifact
  std::int64_t step = 0;
  std::vector<std::string> names;  // relative to the attempt's directory
};

// Where the lines' contents go, in the order of the lines.
struct FactSink {
  std::function<void(FactBody)> fact;
  std::function<void(FilesReported)> files;
  std::function<void(Failure, std::string detail)> failure;
  std::function<void(OutcomeKind, std::int64_t step, std::string detail)> final;
  // A line that is no fact, and why. Not fatal.
  std::function<void(std::string_view line, std::string_view why)> bad_line;
};

class FactReader {
 public:
  explicit FactReader(FactSink sink) : sink_(std::move(sink)) {}

  // The next bytes of the pipe. Facts of whole lines are delivered before it returns.
  void Read(std::string_view bytes, std::int64_t now_ms);

  // The pipe is at its end: a line without its newline counts.
  void Finish(std::int64_t now_ms);

 private:
  void Line(std::string_view line);
  bool Parse(std::string_view line, std::string_view& why);
  bool Contract(JsonCursor& in, std::string_view& why);
  bool Fields(JsonCursor& in);
  bool Field(JsonCursor& in, std::string_view key);
  bool Values(JsonCursor& in);
  bool Columns(JsonCursor& in);
  bool Info(JsonCursor& in);
  bool Deliver(std::string_view& why);
  bool DeliverMetrics(std::string_view& why);
  bool DeliverColumns(std::string_view& why);
  void FlushMetrics();

  const FactSink sink_;
  std::int64_t now_ms_ = 0;
  std::string partial_;    // of a line whose end has not come
  bool skipping_ = false;  // the rest of a line that is too long
  bool contract_said_ = false;
  bool contract_wrong_ = false;

  // Everything a line can say; reused from line to line.
  struct Said {
    std::string kind;  // "f"
    std::int64_t step = 0;
    std::int64_t steps = 0;
    std::int64_t epoch = 0;
    std::int64_t time_ms = 0;
    std::int64_t resumed_from = -1;
    bool bit_exact = true;
    std::string phase;
    std::string what;  // "kind"
    std::string name;
    std::string detail;
    std::string outcome;
    std::vector<std::string> files;
    std::vector<std::string> names;
    std::vector<std::int64_t> steps_list;
    std::vector<std::pair<std::string, double>> values;
    std::size_t value_count = 0;  // of `values`: the strings keep their memory
    std::vector<std::vector<double>> columns;
    Labels info;
    bool values_are_columns = false;
    void Clear();
  } said_;

  MetricsFact metrics_;  // packed so far
};

}  // namespace fusor::agent
