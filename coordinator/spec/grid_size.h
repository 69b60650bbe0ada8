#pragma once

// How large a grid may be. A stage that draws its trials at random may draw them from a grid far
// beyond the limit of cells, as long as it draws few: each touched cell of such a grid costs memory
// for its whole neighbourhood.

#include <cstdint>
#include <optional>

#include "common/base/status.h"
#include "coordinator/core/spec.h"

namespace fusor {

inline constexpr std::uint64_t kDrawnGridMax = 1'000'000'000'000'000;
inline constexpr std::uint64_t kSparseTrialsMax = 20'000;

// Is the stage's grid within the limits? `drawn`: how many cells `random` draws; 0: no random.
Status CheckGridSize(const StageSpec& stage, std::uint64_t drawn);

// What counts against kCellsPerSweepMax: the cells of the grid, or the drawn trials of a larger
// one.
std::uint64_t CountedCells(const StageSpec& stage);

}  // namespace fusor
