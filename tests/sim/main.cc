// sim [SEED] [--watch]: runs one world and prints its verdict; watched, what happens in it too.
// sim --expect ORACLE --count N: passes when that oracle catches something.
// sim --count N [--first SEED] [--jobs J]: runs a range, each world twice, and prints what failed.

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/sim/world.h"

namespace {

using fusor::sim::DrawWorld;
using fusor::sim::Verdict;
using fusor::sim::World;

Verdict RunTwice(std::uint64_t seed) {
  Verdict first = World(DrawWorld(seed)).Run();
  if (!first.passed) return first;
  const Verdict second = World(DrawWorld(seed)).Run();
  if (second.fingerprint != first.fingerprint) {
    first.passed = false;
    first.failure = "same-seed-same-run: two runs differ";
  }
  return first;
}

int RunRange(std::uint64_t first, std::uint64_t count, unsigned jobs) {
  std::atomic<std::uint64_t> next{first};
  std::atomic<std::uint64_t> failed{0};
  std::atomic<std::uint64_t> done{0};
  std::mutex output;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < jobs; ++i) {
    threads.emplace_back([&] {
      for (std::uint64_t seed = next++; seed < first + count; seed = next++) {
        const Verdict verdict = RunTwice(seed);
        const std::uint64_t finished = ++done;
        const std::lock_guard lock(output);
        if (!verdict.passed) {
          ++failed;
          std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed),
                      verdict.failure.c_str());
        }
        if (finished % 10'000 == 0) {
          std::printf("%s done, next after them: --first %s\n", std::to_string(finished).c_str(),
                      std::to_string(first + finished).c_str());
        }
        std::fflush(stdout);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const unsigned long long bad = failed;
  std::printf("%llu passed, %llu failed\n", static_cast<unsigned long long>(count) - bad, bad);
  return bad == 0 ? 0 : 1;
}

// For mutants: does the oracle catch the planted bug in one of the worlds?
int Expect(const std::string& oracle, std::uint64_t first, std::uint64_t count) {
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const Verdict verdict = World(DrawWorld(seed)).Run();
    if (!verdict.failure.starts_with(oracle + ":")) continue;
    std::printf("caught in world %llu: %s\n", static_cast<unsigned long long>(seed),
                verdict.failure.c_str());
    return 0;
  }
  std::printf("%s caught nothing in %llu worlds\n", oracle.c_str(),
              static_cast<unsigned long long>(count));
  return 1;
}

std::uint64_t Number(const char* text) { return std::strtoull(text, nullptr, 10); }

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t first = 1;
  std::uint64_t count = 0;
  unsigned jobs = 2;
  bool watch = false;
  std::string expected;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--count" && i + 1 < argc) {
      count = Number(argv[++i]);
    } else if (word == "--first" && i + 1 < argc) {
      first = Number(argv[++i]);
    } else if (word == "--expect" && i + 1 < argc) {
      expected = argv[++i];
    } else if (word == "--jobs" && i + 1 < argc) {
      jobs = static_cast<unsigned>(Number(argv[++i]));
    } else if (word == "--watch") {
      watch = true;
    } else if (word[0] != '-') {
      first = Number(argv[i]);
    } else {
      std::fprintf(stderr, "usage: sim SEED [--watch] | sim --count N [--first SEED] [--jobs J]\n");
      return 2;
    }
  }
  if (!expected.empty()) return Expect(expected, first, count);
  if (count > 0) return RunRange(first, count, jobs);
  World world(DrawWorld(first));
  if (watch) world.Watch();
  const Verdict verdict = world.Run();
  std::printf("seed %llu: %s after %llu things, fingerprint %016llx\n",
              static_cast<unsigned long long>(first),
              verdict.passed ? "passed" : verdict.failure.c_str(),
              static_cast<unsigned long long>(verdict.steps),
              static_cast<unsigned long long>(verdict.fingerprint));
  return verdict.passed ? 0 : 1;
}
