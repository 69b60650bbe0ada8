// fusor-bench [NAME] [--part PART] [--out DIR]: runs the named benchmark, or all, or one part of
// it; prints rows, writes DIR/<name>.json. Exit 0 when every row meets its target, 1 when one does
// not.

#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/bench/control_bench.h"
#include "tests/bench/report.h"

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
    run(report, part);
    report.WriteJson(out);
    all_pass &= report.AllPass();
    std::printf("%s written\n", (out / (name + ".json")).c_str());
  }
  if (!found) {
    std::fprintf(stderr, "no benchmark '%s'; there is:", wanted.c_str());
    for (const auto& [name, run] : benchmarks) std::fprintf(stderr, " %s", name.c_str());
    std::fprintf(stderr, "\n");
    return 2;
  }
  return all_pass ? 0 : 1;
}
