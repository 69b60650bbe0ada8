#pragma once

// Projecting conflicting gradients: where those of two losses for one tensor point against each
// other, each loses its part along the other before they are added.

#include <ATen/core/Tensor.h>

#include <vector>

namespace fusor {

// Adds `scale` times the combined gradients of both losses.
void BackwardWithoutConflicts(const at::Tensor& first, const at::Tensor& second,
                              const std::vector<at::Tensor>& parameters, double scale);

}  // namespace fusor
