#include "trainer/optim/muon.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cmath>

namespace fusor {
namespace {

// Of the quintic that moves small singular values up fastest.
constexpr double kLinear = 3.4445;
constexpr double kCubic = -4.7750;
constexpr double kQuintic = 2.0315;
constexpr double kSmallestNorm = 1e-7;

}  // namespace

at::Tensor Orthogonal(const at::Tensor& matrix, int iterations) {
  const bool tall = matrix.size(0) > matrix.size(1);
  at::Tensor x = matrix.to(at::kBFloat16);
  if (tall) x = x.t();
  x = x.div(x.norm().clamp_min(kSmallestNorm));
  for (int i = 0; i < iterations; ++i) {
    const at::Tensor gram = at::mm(x, x.t());
    x = at::addmm(x, at::addmm(gram, gram, gram, kCubic, kQuintic), x, kLinear);
  }
  return tall ? x.t() : x;
}

double MuonRateFactor(MuonRate kind, std::int64_t rows, std::int64_t columns) {
  const double r = static_cast<double>(rows);
  const double c = static_cast<double>(columns);
  return kind == MuonRate::kOriginal ? std::sqrt(std::max(1.0, r / c))
                                     : 0.2 * std::sqrt(std::max(r, c));
}

void ApplyMuon(const OptimizerOptions& options, const MuonStep& step, at::Tensor& value,
               const at::Tensor& update) {
  const double rate = step.rate * MuonRateFactor(options.muon_rate, update.size(0), update.size(1));
  const at::Tensor direction = Orthogonal(update, options.muon_iterations);
  value.view(update.sizes()).mul_(1 - step.rate * step.decay).add_(direction, -rate);
}

}  // namespace fusor
