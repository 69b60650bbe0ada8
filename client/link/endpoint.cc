#include "client/link/endpoint.h"

#include <charconv>
#include <fstream>

namespace fusor::client {

namespace {

std::string FirstLine(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
  return line;
}

std::string StartHint(const std::filesystem::path& data) {
  return "start one: fusord --data " + (data.empty() ? std::string("DIR") : data.string()) +
         "\nor run one sweep on this machine alone: fusor local FILE"
         "\nor say where it is: --data DIR (FUSOR_HOME), or --coordinator HOST:PORT with "
         "--token-file FILE";
}

// --token-file, FUSOR_TOKEN_FILE, then the data folder's. No token at all is allowed: the
// coordinator will say what it thinks of that.
Result<std::string> FindToken(const TargetQuestion& question, const std::filesystem::path& data) {
  std::string named = question.token_file;
  if (named.empty()) named = question.variable("FUSOR_TOKEN_FILE");
  if (!named.empty()) return ReadToken(named);
  std::error_code error;
  if (data.empty() || !std::filesystem::exists(data / "token", error)) return std::string();
  return ReadToken(data / "token");
}

}  // namespace

Result<Endpoint> ReadEndpoint(const std::filesystem::path& data) {
  std::ifstream in(data / "endpoint");
  if (!in) return NotFound("no coordinator runs in " + data.string());
  Endpoint endpoint;
  std::string line;
  while (std::getline(in, line)) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string key = line.substr(0, equals);
    const std::string value = line.substr(equals + 1);
    if (key == "grpc") endpoint.grpc = value;
    if (key == "http") endpoint.http = value;
    if (key == "pid") std::from_chars(value.data(), value.data() + value.size(), endpoint.pid);
  }
  if (endpoint.grpc.empty()) {
    return DataLoss((data / "endpoint").string() + " names no address (grpc=HOST:PORT)");
  }
  return endpoint;
}

Result<std::string> ReadToken(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) {
    return Unauthenticated(
        "cannot read the token file " + file.string() +
        "\nonly the user who started the coordinator may read it; ask them for a copy");
  }
  const std::string token = FirstLine(file);
  if (token.empty()) return Unauthenticated("the token file " + file.string() + " is empty");
  return token;
}

std::filesystem::path DataFolder(const TargetQuestion& question) {
  if (!question.data.empty()) return question.data;
  const std::string home = question.variable("FUSOR_HOME");
  if (!home.empty()) return home;
  std::error_code error;
  std::filesystem::path here = question.directory / ".fusor";
  if (std::filesystem::exists(here / "token", error)) return here;
  const std::string user_home = question.variable("HOME");
  if (!user_home.empty()) return std::filesystem::path(user_home) / ".fusor";
  return here;
}

Result<Target> FindTarget(const TargetQuestion& question) {
  Target target;
  target.address = question.coordinator;
  if (target.address.empty()) target.address = question.variable("FUSOR_COORDINATOR");
  const bool says_data = !question.data.empty() || !question.variable("FUSOR_HOME").empty();
  if (target.address.empty() || says_data) target.data = DataFolder(question);
  if (target.address.empty()) {
    const Result<Endpoint> endpoint = ReadEndpoint(target.data);
    if (!endpoint.ok()) {
      return Unavailable(endpoint.status().message() + "\n" + StartHint(target.data));
    }
    target.address = endpoint->grpc;
  }
  Result<std::string> token = FindToken(question, target.data);
  if (!token.ok()) return token.status();
  target.token = *token;
  return target;
}

Status Unreachable(const std::string& address, const std::filesystem::path& data,
                   const std::string& reason) {
  return Unavailable("the coordinator at " + address + " does not answer" +
                     (reason.empty() ? "" : " (" + reason + ")") + "\n" + StartHint(data));
}

}  // namespace fusor::client
