#include "trainer/process/memory_advice.h"

#include <algorithm>
#include <vector>

namespace fusor {
namespace {

std::string Mebibytes(std::uint64_t bytes) { return std::to_string((bytes + (1 << 19)) >> 20); }

std::string KindsText(const MemoryKinds& kinds, const MemoryShortage& shortage) {
  // Data stays on the host.
  const std::uint64_t data = shortage.on_device ? 0 : kinds.data;
  const std::uint64_t counted = kinds.total() - kinds.data + data;
  std::string text = ": parameters " + Mebibytes(kinds.parameters) + ", gradients " +
                     Mebibytes(kinds.gradients) + ", optimiser " + Mebibytes(kinds.optimizer);
  if (data > 0) text += ", data " + Mebibytes(data);
  const std::uint64_t rest = shortage.peak_bytes - std::min(shortage.peak_bytes, counted);
  return text + ", activations and the rest " + Mebibytes(rest) + " MiB";
}

// The largest divisor of `number` that is at most half of it.
std::int64_t LessThanHalf(std::int64_t number) {
  std::int64_t part = number / 2;
  while (part > 1 && number % part != 0) --part;
  return part;
}

bool Is(const Config& config, const char* name, const std::string& value) {
  const auto found = config.values().find(name);
  return found != config.values().end() && found->second == Value(value);
}

// What takes less of what a step takes.
void AddForSteps(const Config& config, std::vector<std::string>& changes) {
  if (config.Has("micro_batch_size") && config.Int("micro_batch_size") > 1) {
    const std::int64_t batch = config.Int("batch_size");
    const std::int64_t micro = LessThanHalf(config.Int("micro_batch_size"));
    changes.push_back("micro_batch_size=" + std::to_string(micro) +
                      " with accumulate=" + std::to_string(batch / micro) +
                      " (the same batch_size=" + std::to_string(batch) +
                      " in smaller parts: less for activations)");
  }
  if (Is(config, "precision", "fp32") || Is(config, "precision", "tf32")) {
    changes.emplace_back("precision=bf16 (half of what most activations take)");
  }
  if (config.Has("freeze_experts") && !config.Bool("freeze_experts")) {
    changes.emplace_back("freeze_experts=true (their activations, gradients and moments go)");
  }
}

std::vector<std::string> Changes(const Config& config, const MemoryShortage& shortage) {
  std::vector<std::string> changes;
  if (shortage.kinds) AddForSteps(config, changes);
  if (config.Has("model")) changes.emplace_back("a smaller model (depth, width)");
  changes.emplace_back(shortage.on_device
                           ? "a device with more memory (resources.device_memory_gib)"
                           : "more memory for the trial (resources.memory_gib)");
  return changes;
}

}  // namespace

std::string MemoryAdvice(const Config& config, const MemoryShortage& shortage) {
  std::string text =
      shortage.kinds ? KindsText(*shortage.kinds, shortage) : ", while data and model were loaded";
  text += "; to need less or have more: ";
  const std::vector<std::string> changes = Changes(config, shortage);
  for (std::size_t i = 0; i < changes.size(); ++i) text += (i > 0 ? ", or " : "") + changes[i];
  return text;
}

}  // namespace fusor
