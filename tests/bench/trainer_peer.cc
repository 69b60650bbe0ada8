#include "tests/bench/trainer_peer.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/base/sha256.h"

namespace fusor::bench {
namespace {

namespace fs = std::filesystem;

constexpr char kPeers[] = FUSOR_SOURCE_DIR "/tests/peers";

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// As tests/peers/run.sh has it.
fs::path Cache() {
  if (!Variable("FUSOR_CACHE").empty()) return Variable("FUSOR_CACHE");
  if (!Variable("XDG_CACHE_HOME").empty()) return fs::path(Variable("XDG_CACHE_HOME")) / "fusor";
  return fs::path(Variable("HOME")) / ".cache/fusor";
}

}  // namespace

std::optional<std::string> PeerPython() {
  std::ifstream file(std::string(kPeers) + "/requirements_torch.txt");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const fs::path folder = Cache() / ("peers-" + Sha256Hex(text).substr(0, 16));
  if (!fs::exists(folder / ".complete")) return std::nullopt;
  return (folder / "bin/python").string();
}

std::optional<double> AskPeer(const std::string& python, const std::string& arguments) {
  const std::string command =
      std::string("cd ") + kPeers + " && " + python + " -W ignore bench.py " + arguments;
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return std::nullopt;
  std::string last;
  char line[1024];
  while (std::fgets(line, sizeof line, pipe) != nullptr) last = line;
  const int status = pclose(pipe);
  char* end = nullptr;
  const double value = std::strtod(last.c_str(), &end);
  if (status == 0 && end != last.c_str()) return value;
  std::fprintf(stderr, "fusor-bench: the peer failed: bench.py %s\n", arguments.c_str());
  return std::nullopt;
}

}  // namespace fusor::bench
