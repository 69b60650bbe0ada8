#pragma once

// One byte per cell of a stage that anything was ever decided on, in chunks that are made when they
// are first written to: cells nobody touched cost nothing.

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "coordinator/core/state.h"

namespace fusor::core {

class CellStates {
 public:
  // Nothing = untouched: ready in a stage without needs, else blocked.
  std::optional<TrialState> Get(std::uint64_t cell) const;
  void Set(std::uint64_t cell, TrialState state);
  void Clear(std::uint64_t cell);

  // The first touched cell at or after `cell`.
  std::optional<std::uint64_t> NextTouched(std::uint64_t cell) const;

 private:
  static constexpr std::uint64_t kChunk = 4096;
  using Chunk = std::array<std::uint8_t, kChunk>;  // 0 = untouched, else state + 1

  std::uint8_t* Find(std::uint64_t cell) const;

  // Chunks are found by number; the last one used is remembered, as cells come in order.
  std::map<std::uint64_t, std::unique_ptr<Chunk>> chunks_;
  mutable std::uint64_t last_number_ = ~0ULL;
  mutable Chunk* last_ = nullptr;
};

// A set of cells, a bit each, in chunks.
class CellSet {
 public:
  bool empty() const { return chunks_.empty(); }
  bool Contains(std::uint64_t cell) const;
  void Insert(std::uint64_t cell);
  // True when it was there.
  bool Erase(std::uint64_t cell);
  // The lowest cell. Requires that there is one.
  std::uint64_t First() const;
  // Takes all cells of the other set, which is empty afterwards.
  void Merge(CellSet& other);
  void Clear() { chunks_.clear(); }

 private:
  static constexpr std::uint64_t kWords = 64;
  static constexpr std::uint64_t kChunk = kWords * 64;
  struct Chunk {
    std::array<std::uint64_t, kWords> words{};
    std::uint32_t count = 0;  // bits that are set; a chunk without any is removed
  };

  std::map<std::uint64_t, Chunk> chunks_;
};

}  // namespace fusor::core
