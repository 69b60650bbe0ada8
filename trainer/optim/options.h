#pragma once

// What an optimiser is told once, at the start.

#include <cstdint>
#include <string>
#include <vector>

#include "trainer/models/parameters.h"

namespace fusor {

enum class Algorithm : std::uint8_t { kSgd, kAdam, kAdamW, kLion, kMuon };

// How Muon's rate follows a matrix of r rows and c columns.
enum class MuonRate : std::uint8_t {
  kOriginal,   // times sqrt(max(1, r / c))
  kLikeAdamW,  // times 0.2 sqrt(max(r, c)): an update as large as AdamW's, so one rate serves both
};

// Where gradients lie.
enum class GradientMemory : std::uint8_t {
  // Where backward leaves them; nothing is added up or cleared, so this is the cheapest.
  kOwn,
  // In one buffer: backward adds to views of it that are set beforehand. What a collective or an
  // offload needs; always so with the framework's kernels.
  kFlat,
};

enum class Kernels : std::uint8_t {
  kOwn,        // one pass over memory; on a CPU
  kFramework,  // LibTorch's fused ones where there are any; always so on a GPU
};

struct OptimizerOptions {
  Algorithm algorithm = Algorithm::kSgd;
  double weight_decay = 0;  // of a group that names none
  double momentum = 0;      // SGD, Muon
  bool nesterov = false;    // SGD, Muon
  double beta1 = 0.9;       // Adam, AdamW, Lion, and what Muon leaves to AdamW
  double beta2 = 0.999;     // likewise; Lion's paper has 0.99
  double epsilon = 1e-8;    // Adam, AdamW, and what Muon leaves to AdamW
  int muon_iterations = 5;
  MuonRate muon_rate = MuonRate::kLikeAdamW;
  GradientMemory gradients = GradientMemory::kOwn;
  Kernels kernels = Kernels::kOwn;
  bool bfloat16_copy = false;  // a copy of all weights in bf16 is kept up to date

  // Whether a step can be recorded with a rate that lies on the device: Lion and Muon compute with
  // it on the host.
  bool RateMayBeThere() const {
    return algorithm != Algorithm::kLion && algorithm != Algorithm::kMuon;
  }
};

// Parameters with a learning rate, a decay and a norm of their own, e.g. one component of a model.
struct ParameterGroup {
  std::string name;
  std::vector<Parameter> parameters;
  double weight_decay = 0;
  // Steps of the optimiser before the group's first: its moments begin there. Until then its rate
  // must be 0 and it must have no gradients.
  std::int64_t frozen_steps = 0;
};

}  // namespace fusor
