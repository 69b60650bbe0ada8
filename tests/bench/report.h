#pragma once

// What a benchmark says: rows with the figure, what it is compared with, and whether the target is
// met. Printed as a table, written as build/bench/<name>.json.

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fusor::bench {

struct Row {
  std::string name;
  double value = 0;
  std::string unit;
  std::string peer;  // what it is compared with, measured in the same run
  std::optional<double> peer_value;
  std::optional<double> target;  // absolute, in the row's unit
  bool smaller_is_better = false;
  std::optional<double> target_ratio;  // of value to peer_value

  std::optional<double> Ratio() const;
  bool Pass() const;
};

class Report {
 public:
  explicit Report(std::string name) : name_(std::move(name)) {}

  // Of a library that is measured along.
  void Version(const std::string& of, std::string version) { versions_[of] = std::move(version); }
  // Prints the row at once.
  void Add(Row row);
  bool AllPass() const;
  // {machine, versions, rows: [...]}
  void WriteJson(const std::filesystem::path& directory) const;

 private:
  std::string name_;
  std::map<std::string, std::string> versions_;
  std::vector<Row> rows_;
};

double Median(std::vector<double> values);
// The value below which the share of them lies; 0.99 = p99.
double Quantile(std::vector<double> values, double share);

}  // namespace fusor::bench
