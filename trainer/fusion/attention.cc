#include "trainer/fusion/attention.h"

#include <ATen/ops/matmul.h>

#include <cmath>

#include "common/base/check.h"

namespace fusor {

Attention::Attention(ModelBuilder& builder, const std::string& name, std::int64_t size,
                     std::int64_t heads, double dropout)
    : name_(name),
      heads_(heads),
      in_(builder, name + ".in_proj", size, 3 * size, '_'),
      dropout_(name + ".dropout", dropout),
      out_(builder, name + ".out_proj", size, size) {
  CHECK(size % heads == 0);
}

at::Tensor Attention::Forward(const at::Tensor& tokens, const Pass& pass) const {
  const std::int64_t batch = tokens.size(0);
  const std::int64_t count = tokens.size(1);
  const std::int64_t size = tokens.size(2);
  // [3, batch, heads, tokens, size of a head]
  at::Tensor parts = in_.Forward(tokens, pass)
                         .view({batch, count, 3, heads_, size / heads_})
                         .permute({2, 0, 3, 1, 4});
  const double scale = 1 / std::sqrt(static_cast<double>(size / heads_));
  at::Tensor scores = at::matmul(parts[0].mul(scale), parts[1].transpose(-2, -1));
  at::Tensor weights = scores.to(pass.precision.master()).softmax(-1);
  weights = pass.precision.Cast(dropout_.Forward(weights, pass));
  at::Tensor mixed = at::matmul(weights, parts[2]).transpose(1, 2).reshape({batch, count, size});
  at::Tensor out = out_.Forward(mixed, pass).to(pass.precision.master());
  if (pass.observer != nullptr) {
    const std::int64_t products = 2 * batch * count * count * size;
    pass.observer->OnLayer({name_, LayerKind::kMatMul, 0, products, {}}, parts, mixed);
  }
  return out;
}

}  // namespace fusor
