#pragma once

// A step on the CPU: gradients are read once for their norm, if anybody needs it, and then one
// sweep unscales, clips, decays, updates and copies each run of weights while it is in the cache.
//
// Weights do not depend on the number of threads: the sweep is element by element, and the norm is
// the sum of parts whose size is fixed, added in their order. (Muon's matrix products are
// LibTorch's.)

#include <cstdint>
#include <vector>

#include "trainer/optim/kernels.h"
#include "trainer/optim/step.h"

namespace fusor {

class HostStep {
 public:
  // The state must outlive this.
  explicit HostStep(OptimizerState& state);

  StepReport Run(const StepInput& input);

 private:
  // A part of one parameter.
  struct Piece {
    std::size_t slot = 0;
    std::int64_t begin = 0;  // within the parameter
    std::int64_t count = 0;
  };
  // What a step is to one segment.
  struct SegmentStep {
    SgdFactors sgd;
    AdamFactors adam;
    LionFactors lion;
    MuonFactors muon;
    double rate = 0;
  };
  // The buffers' beginnings; null as far as there are none.
  struct Memory {
    float* values = nullptr;
    float* first = nullptr;
    float* second = nullptr;  // as if it too began with the first parameter
    std::uint16_t* copy = nullptr;
  };

  void FindMemory();
  void CutUp();
  void FindGradients();
  std::vector<double> GroupNorms(double loss_scale) const;
  // `scale` is what the gradients are multiplied with.
  SegmentStep StepOf(const Segment& segment, double rate, double scale) const;
  void Sweep();
  void UpdatePiece(const Piece& piece);
  void UpdateTile(const SegmentStep& step, std::int64_t offset, const float* gradient,
                  std::int64_t count);
  // All of Muon's, each by itself.
  void UpdateMatrices();
  void UpdateMatrix(const Slot& slot, float* gradient);
  void Copy(std::int64_t offset, std::int64_t count);
  // Once it has been used.
  void Clear(float* gradient, std::int64_t count) const;

  OptimizerState& state_;
  Memory memory_;
  // Constant after construction. Pieces of one chunk are worked on by one thread.
  std::vector<Piece> pieces_;
  std::vector<std::size_t> chunks_;  // where each begins, and the end
  // Of the step that is being made.
  std::vector<SegmentStep> steps_;  // of each segment
  std::vector<float*> gradients_;   // of each slot; null for one that had no part in it
  std::vector<at::Tensor> kept_;
};

}  // namespace fusor
