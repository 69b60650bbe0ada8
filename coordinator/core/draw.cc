// DrawCells: the cells of `random:`.

#include <algorithm>
#include <numeric>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/base/random.h"
#include "coordinator/core/cell_counter.h"
#include "coordinator/core/grid.h"

namespace fusor {

namespace {

// Listing all positions is the faster way below this, and beyond it when most of them are wanted or
// few are left. Grids that are larger than any list are never that dense or sparse
// (spec/grid_size.h).
constexpr std::uint64_t kListedMax = 1 << 16;

// The stage with one seed and without the rules about seeds.
StageSpec OneBlock(const StageSpec& stage) {
  StageSpec block = stage;
  block.drawn.reset();
  block.dimensions[0].rows.resize(1);
  std::erase_if(block.excludes, [&](const Exclude& rule) { return NamesSeed(stage, rule); });
  return block;
}

std::vector<std::uint64_t> DrawFromList(const Grid& grid, std::uint64_t trials, Random& random) {
  std::vector<std::uint64_t> cells;
  for (auto cell = grid.NextTrial(0); cell; cell = grid.NextTrial(*cell + 1)) {
    cells.push_back(*cell);
  }
  CHECK(trials <= cells.size());
  for (std::uint64_t i = 0; i < trials; ++i) {
    const std::uint64_t j = i + random.Below(cells.size() - i);
    std::swap(cells[i], cells[j]);
  }
  cells.resize(trials);
  std::sort(cells.begin(), cells.end());
  return cells;
}

std::vector<std::uint64_t> DrawOneByOne(const Grid& grid, std::uint64_t trials, Random& random) {
  std::vector<std::uint64_t> cells;
  // Draws as many as are missing, over and over, until none was drawn twice.
  while (cells.size() < trials) {
    for (std::uint64_t missing = trials - cells.size(); missing > 0;) {
      const std::uint64_t cell = random.Below(grid.size());
      if (!grid.IsTrial(cell)) continue;
      cells.push_back(cell);
      --missing;
    }
    std::sort(cells.begin(), cells.end());
    cells.erase(std::unique(cells.begin(), cells.end()), cells.end());
  }
  return cells;
}

}  // namespace

std::uint64_t DrawableCells(const StageSpec& stage) {
  const StageSpec block = OneBlock(stage);
  return Grid(block).TrialCount();
}

std::vector<std::uint64_t> DrawCells(const StageSpec& stage, std::uint64_t trials,
                                     std::uint64_t seed) {
  const StageSpec block = OneBlock(stage);
  const Grid grid(block);
  Random random(seed);
  const std::uint64_t left = grid.TrialCount();
  CHECK(trials <= left);
  const bool listable = grid.size() <= limits::kCellsPerSweepMax;
  const bool dense = trials > left / 2 || left < grid.size() / 64;
  if (grid.size() <= kListedMax || (dense && listable)) return DrawFromList(grid, trials, random);
  return DrawOneByOne(grid, trials, random);
}

}  // namespace fusor
