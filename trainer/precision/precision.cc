#include "trainer/precision/precision.h"

namespace fusor {

Result<Precision> Precision::FromName(std::string_view name, bool on_gpu) {
  if (name == "fp32") return Precision(at::kFloat, false);
  if (name == "bf16" || name == "adaptive") return Precision(at::kBFloat16, false);
  if (name == "fp64") return Precision(at::kDouble, false);
  if (name == "tf32" || name == "fp16") {
    if (!on_gpu) {
      return InvalidArgument("precision " + std::string(name) +
                             " needs a GPU; a CPU computes in fp32, bf16 or adaptive");
    }
    return name == "tf32" ? Precision(at::kFloat, true) : Precision(at::kHalf, false);
  }
  return InvalidArgument("unknown precision '" + std::string(name) + "'");
}

at::Tensor Precision::Cast(const at::Tensor& tensor) const {
  return tensor.scalar_type() == compute_ ? tensor : tensor.to(compute_);
}

}  // namespace fusor
