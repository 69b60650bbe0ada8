#include "tests/trainer/bench_parts.h"

#include <ATen/Parallel.h>
#include <ATen/ops/ones.h>
#include <torch/headeronly/version.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "common/base/check.h"
#include "tests/trainer/agent.h"
#include "tests/trainer/optimizer_bench.h"
#include "trainer/data/loader.h"
#include "trainer/data/synthetic.h"
#include "trainer/io/safetensors.h"

namespace fusor::bench {
namespace {

using Clock = std::chrono::steady_clock;

double Seconds(Clock::time_point since) {
  return std::chrono::duration<double>(Clock::now() - since).count();
}

}  // namespace

OptimizerPass MeasureOptimizerPass(int threads) {
  at::set_num_threads(threads);
  const OptimizerTimes times = MeasureOptimizer(9);
  return {times.step_ms, times.copy_ms};
}

double AugmentedImages(bool rand_augment) {
  constexpr std::int64_t kBatch = 128;
  constexpr double kMeasured = 3;
  at::set_num_threads(1);
  const ImageData data = MakeSyntheticImages();
  std::vector<std::uint32_t> indices(data.train.size());
  std::iota(indices.begin(), indices.end(), 0);
  const Normaliser normaliser(data.train, indices);
  LoaderOptions options{.batch_size = kBatch};
  options.augment.crop_padding = 4;
  options.augment.flip = true;
  if (rand_augment) options.augment.policy = Policy::kRandAugment;
  options.augment.policy_operations = 2;
  options.augment.policy_magnitude = 9;
  TrainingLoader loader(data.train, normaliser, indices, options);
  std::int64_t step = 0;
  for (; step < 4; ++step) loader.At(step);
  const Clock::time_point begun = Clock::now();
  std::int64_t images = 0;
  while (Seconds(begun) < kMeasured) images += loader.At(step++).labels.size(0);
  return static_cast<double>(images) / Seconds(begun);
}

const char* LibTorchVersion() { return TORCH_VERSION; }

double SummedGibPerSecond() {
  constexpr std::int64_t kBytes = std::int64_t{1} << 30;
  testing::TemporaryDirectory folder;
  const std::string path = folder.path() + "/large.safetensors";
  const std::vector<NamedTensor> tensors = {{"bytes", at::ones({kBytes}, at::kByte)}};
  CHECK(WriteSafetensors(path, tensors, {}).ok());
  double best = 0;
  for (int pass = 0; pass < 2; ++pass) {  // the first brings it into the cache
    const Clock::time_point begun = Clock::now();
    const auto file = SafetensorsFile::Open(path);
    CHECK(file.ok());
    const std::span<const std::byte> bytes = file->Bytes(*file->Find("bytes"));
    std::uint64_t sum = 0;
    for (const std::byte byte : bytes) sum += static_cast<std::uint64_t>(byte);
    CHECK(sum == kBytes);
    best = 1 / Seconds(begun);
  }
  return best;
}

}  // namespace fusor::bench
