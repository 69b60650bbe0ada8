#include "coordinator/core/cells.h"

namespace fusor::core {

std::uint8_t* CellStates::Find(std::uint64_t cell) const {
  const std::uint64_t number = cell / kChunk;
  if (number != last_number_ || last_ == nullptr) {
    const auto found = chunks_.find(number);
    if (found == chunks_.end()) return nullptr;
    last_number_ = number;
    last_ = found->second.get();
  }
  return &(*last_)[cell % kChunk];
}

std::optional<TrialState> CellStates::Get(std::uint64_t cell) const {
  const std::uint8_t* byte = Find(cell);
  if (byte == nullptr || *byte == 0) return std::nullopt;
  return static_cast<TrialState>(*byte - 1);
}

void CellStates::Set(std::uint64_t cell, TrialState state) {
  std::uint8_t* byte = Find(cell);
  if (byte == nullptr) {
    chunks_[cell / kChunk] = std::make_unique<Chunk>(Chunk{});
    byte = Find(cell);
  }
  *byte = static_cast<std::uint8_t>(static_cast<int>(state) + 1);
}

void CellStates::Clear(std::uint64_t cell) {
  if (std::uint8_t* byte = Find(cell)) *byte = 0;
}

std::optional<std::uint64_t> CellStates::NextTouched(std::uint64_t cell) const {
  for (auto it = chunks_.lower_bound(cell / kChunk); it != chunks_.end(); ++it) {
    const std::uint64_t base = it->first * kChunk;
    for (std::uint64_t i = cell > base ? cell - base : 0; i < kChunk; ++i) {
      if ((*it->second)[i] != 0) return base + i;
    }
  }
  return std::nullopt;
}

}  // namespace fusor::core
