#pragma once

// Parts of the trainer that are measured within this process.

namespace fusor::bench {

struct OptimizerPass {
  double step_ms = 0;  // unscale, global norm, clip, AdamW, bf16 copy over a WRN-28-10
  double copy_ms = 0;  // a plain copy that reads and writes as many bytes
};
OptimizerPass MeasureOptimizerPass(int threads);

// Images a second that one thread crops, flips and normalises, with RandAugment on request.
double AugmentedImages(bool rand_augment);

// A file of 1 GiB that the page cache holds: opened as safetensors, every byte summed in place.
double SummedGibPerSecond();

const char* LibTorchVersion();

}  // namespace fusor::bench
