#pragma once

// Names that published PyTorch implementations of the networks and fusions give their tensors.

#include <string>
#include <string_view>

namespace fusor {

// What this program calls the tensor (docs/models.md); the name itself where it is no such name.
std::string OwnName(std::string_view name);

}  // namespace fusor
