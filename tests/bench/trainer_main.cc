// fusor-bench-trainer [--part PART] [--out DIR]: started by `fusor-bench trainer`.

#include <cstdio>
#include <filesystem>
#include <string>

#include "tests/bench/report.h"
#include "tests/bench/trainer_bench.h"
#include "tests/trainer/bench_parts.h"

int main(int argc, char** argv) {
  std::string part;
  std::filesystem::path out = "build/bench";
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string word = argv[i];
    if (word == "--out") out = argv[i + 1];
    if (word == "--part") part = argv[i + 1];
  }
  fusor::bench::Report report("trainer");
  report.Version("libtorch", fusor::bench::LibTorchVersion());
  fusor::bench::RunTrainer(report, part);
  report.WriteJson(out);
  std::printf("%s written\n", (out / "trainer.json").c_str());
  return report.AllPass() ? 0 : 1;
}
