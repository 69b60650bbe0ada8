#include "coordinator/core/cells.h"

#include <bit>

#include "common/base/check.h"

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

bool CellSet::Contains(std::uint64_t cell) const {
  const auto found = chunks_.find(cell / kChunk);
  if (found == chunks_.end()) return false;
  return (found->second.words[cell % kChunk / 64] >> (cell % 64) & 1) != 0;
}

void CellSet::Insert(std::uint64_t cell) {
  Chunk& chunk = chunks_[cell / kChunk];
  std::uint64_t& word = chunk.words[cell % kChunk / 64];
  const std::uint64_t bit = 1ULL << (cell % 64);
  if ((word & bit) != 0) return;
  word |= bit;
  ++chunk.count;
}

bool CellSet::Erase(std::uint64_t cell) {
  const auto found = chunks_.find(cell / kChunk);
  if (found == chunks_.end()) return false;
  std::uint64_t& word = found->second.words[cell % kChunk / 64];
  const std::uint64_t bit = 1ULL << (cell % 64);
  if ((word & bit) == 0) return false;
  word &= ~bit;
  if (--found->second.count == 0) chunks_.erase(found);
  return true;
}

std::uint64_t CellSet::First() const {
  CHECK(!chunks_.empty());
  const auto& [number, chunk] = *chunks_.begin();
  std::uint64_t word = 0;
  while (chunk.words[word] == 0) ++word;
  return number * kChunk + word * 64 +
         static_cast<std::uint64_t>(std::countr_zero(chunk.words[word]));
}

void CellSet::Merge(CellSet& other) {
  while (!other.empty()) {
    const std::uint64_t cell = other.First();
    other.Erase(cell);
    Insert(cell);
  }
}

}  // namespace fusor::core
