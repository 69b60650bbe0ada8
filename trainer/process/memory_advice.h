#pragma once

// What a person reads behind "out of memory": what the memory was for, and what to change.

#include <cstdint>
#include <optional>
#include <string>

#include "common/recipe/recipe.h"
#include "trainer/engine/memory_kinds.h"

namespace fusor {

struct MemoryShortage {
  std::optional<MemoryKinds> kinds;  // none: it happened before the run began
  std::uint64_t peak_bytes = 0;
  bool on_device = false;
};

// Goes on behind "...; peak 812 MiB": " = parameters 43 + ... MiB; to need less: ...".
std::string MemoryAdvice(const Config& config, const MemoryShortage& shortage);

}  // namespace fusor
