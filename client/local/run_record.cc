#include "client/local/run_record.h"

#include <fstream>

#include "common/base/sha256.h"

namespace fusor::client {

std::string RunKey(const std::string& source, const std::vector<std::string>& overrides) {
  std::string content = std::to_string(source.size()) + "\n" + source;
  for (const std::string& each : overrides) {
    content += "\n" + std::to_string(each.size()) + "\n" + each;
  }
  return Sha256Hex(content).substr(0, 32);
}

std::string RunRequestId(const std::string& key, std::uint64_t run) {
  return "local-" + key + "-" + std::to_string(run);
}

RunRecord LoadRunRecord(const std::filesystem::path& folder, const std::string& key) {
  std::ifstream in(folder / key);
  RunRecord record;
  if (!(in >> record.run >> record.sweep) || record.run == 0) return RunRecord();
  return record;
}

Status SaveRunRecord(const std::filesystem::path& folder, const std::string& key,
                     const RunRecord& record) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  const std::filesystem::path temporary = folder / (key + ".new");
  std::ofstream out(temporary);
  out << record.run << " " << record.sweep << "\n";
  out.close();
  if (out && !error) std::filesystem::rename(temporary, folder / key, error);
  if (!out || error) return Internal("cannot write " + (folder / key).string());
  return Ok();
}

}  // namespace fusor::client
