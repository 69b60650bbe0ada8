#pragma once

// The files of a trained part (an expert, a fusion module, a global head): NAME.safetensors and
// NAME.pth side by side, with the same tensors and the same facts about them.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "trainer/io/named_tensor.h"

namespace fusor {

// Unset and empty members are neither written nor invented when a file lacks them.
struct ComponentFacts {
  std::optional<std::int64_t> epoch;
  std::optional<double> accuracy;
  std::string fusion_type;
  std::string model_architecture;
  std::optional<double> alpha;
  std::string component;  // "expert_0", "fusion", "global"
  std::string pixels;     // how its inputs were normalised
  std::string division;   // which images were whose: equal texts, equal divisions

  friend bool operator==(const ComponentFacts&, const ComponentFacts&) = default;
};

// Writes `stem`.safetensors and `stem`.pth, each atomically.
Status SaveComponent(const std::string& stem, std::span<const NamedTensor> tensors,
                     const ComponentFacts& facts);

struct Component {
  std::string path;
  std::vector<NamedTensor> tensors;
  ComponentFacts facts;
};

// Reads either kind, whatever the file's name, also state dicts that Python saved elsewhere.
Result<Component> LoadComponent(const std::string& path);

// The part of a whole model whose tensors' names begin with `prefix`, without it; a file of nothing
// but the part stays as it is.
Component PartOf(Component component, std::string_view prefix);

// Copies the component's tensors into those of the same names, or what other programs call them
// (OwnName); floating-point types are converted.
// When anything is missing, of another shape or kind, or not asked for, nothing is copied, and one
// message names the file and all of it.
Status FillTensors(const Component& component, std::span<const NamedTensor> into);

}  // namespace fusor
