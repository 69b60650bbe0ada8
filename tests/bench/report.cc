#include "tests/bench/report.h"

#include <sys/utsname.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "common/base/check.h"

namespace fusor::bench {

namespace {

std::string CpuModel() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::string Number(double value) {
  char text[64];
  if (value >= 1000) {
    std::snprintf(text, sizeof text, "%.0f", value);
  } else {
    std::snprintf(text, sizeof text, "%.3g", value);
  }
  return text;
}

}  // namespace

std::optional<double> Row::Ratio() const {
  if (!peer_value || *peer_value == 0) return std::nullopt;
  return value / *peer_value;
}

bool Row::Pass() const {
  const auto met = [this](double figure, double wanted) {
    return smaller_is_better ? figure <= wanted : figure >= wanted;
  };
  if (target && !met(value, *target)) return false;
  if (target_ratio && (!Ratio() || !met(*Ratio(), *target_ratio))) return false;
  return true;
}

void Report::Add(Row row) {
  const std::string target =
      row.target ? (row.smaller_is_better ? "<= " : ">= ") + Number(*row.target) : "-";
  const std::string peer = row.peer_value ? row.peer + " " + Number(*row.peer_value) : row.peer;
  std::printf("%-4s %-58s %12s %-10s target %-10s %s\n", row.Pass() ? "ok" : "MISS",
              row.name.c_str(), Number(row.value).c_str(), row.unit.c_str(), target.c_str(),
              peer.c_str());
  std::fflush(stdout);
  rows_.push_back(std::move(row));
}

bool Report::AllPass() const {
  return std::all_of(rows_.begin(), rows_.end(), [](const Row& row) { return row.Pass(); });
}

void Report::WriteJson(const std::filesystem::path& directory) const {
  utsname system{};
  uname(&system);
  nlohmann::ordered_json json;
  json["machine"] = {{"cpu", CpuModel()},
                     {"cores", std::thread::hardware_concurrency()},
                     {"kernel", system.release}};
  json["versions"] = {{"fusor", FUSOR_VERSION}, {"compiler", __VERSION__}};
  for (const auto& [of, version] : versions_) json["versions"][of] = version;
  json["rows"] = nlohmann::ordered_json::array();
  for (const Row& row : rows_) {
    nlohmann::ordered_json out;
    out["name"] = row.name;
    out["value"] = row.value;
    out["unit"] = row.unit;
    out["peer"] = row.peer;
    if (row.peer_value) out["peer_value"] = *row.peer_value;
    if (row.Ratio()) out["ratio"] = *row.Ratio();
    if (row.target) out["target"] = *row.target;
    if (row.target_ratio) out["target_ratio"] = *row.target_ratio;
    out["pass"] = row.Pass();
    json["rows"].push_back(out);
  }
  std::filesystem::create_directories(directory);
  std::ofstream(directory / (name_ + ".json")) << json.dump(2) << "\n";
}

double Median(std::vector<double> values) { return Quantile(std::move(values), 0.5); }

double Quantile(std::vector<double> values, double share) {
  CHECK(!values.empty());
  std::sort(values.begin(), values.end());
  const auto last = static_cast<double>(values.size() - 1);
  return values[static_cast<std::size_t>(std::lround(share * last))];
}

}  // namespace fusor::bench
