// fusor-bench [NAME] [--part PART] [--out DIR]: runs the named benchmark, or all, or one part of
// it; prints rows, writes DIR/<name>.json. Exit 0 when every row meets its target, 1 when one does
// not. The trainer's is a program of its own beside this one, because LibTorch and gRPC bring
// different versions of Protocol Buffers.

#include <grpcpp/grpcpp.h>
#include <sqlite3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/bench/control_bench.h"
#include "tests/bench/report.h"

namespace {

// True when every row met its target.
bool RunTrainer(const std::filesystem::path& self, const std::string& part,
                const std::filesystem::path& out) {
  std::string command =
      (self.parent_path() / "fusor-bench-trainer").string() + " --out " + out.string();
  if (!part.empty()) command += " --part " + part;
  return std::system(command.c_str()) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string wanted;
  std::string part;
  std::filesystem::path out = "build/bench";
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--out" && i + 1 < argc) {
      out = argv[++i];
    } else if (word == "--part" && i + 1 < argc) {
      part = argv[++i];
    } else {
      wanted = word;
    }
  }
  using Run = void (*)(fusor::bench::Report&, std::string_view);
  const std::vector<std::pair<std::string, Run>> benchmarks = {
      {"control", fusor::bench::RunControl}};
  bool found = false;
  bool all_pass = true;
  for (const auto& [name, run] : benchmarks) {
    if (!wanted.empty() && wanted != name) continue;
    found = true;
    fusor::bench::Report report(name);
    report.Version("sqlite", sqlite3_libversion());
    report.Version("grpc", grpc::Version());
    run(report, part);
    report.WriteJson(out);
    all_pass &= report.AllPass();
    std::printf("%s written\n", (out / (name + ".json")).c_str());
  }
  if (wanted.empty() || wanted == "trainer") {
    found = true;
    all_pass &= RunTrainer(std::filesystem::canonical("/proc/self/exe"), part, out);
  }
  if (!found) {
    std::fprintf(stderr, "no benchmark '%s'; there is: control trainer\n", wanted.c_str());
    return 2;
  }
  return all_pass ? 0 : 1;
}
