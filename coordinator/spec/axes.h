#pragma once

// axes, zip and cells of a stage: the dimensions of its grid.

#include "coordinator/spec/map_reader.h"
#include "coordinator/spec/problem.h"
#include "coordinator/spec/stage_draft.h"

namespace fusor {

// Adds the axes and dimensions of `cells` and `axes` with `zip` to those of the seed: first the
// cells, then the axes in order (a zip where the first of its axes is).
void ReadAxes(MapReader& reader, Problems& problems, StageDraft& draft);

// `cells:` alone: listed cells, one dimension. In cells.cc.
void ReadCells(const YamlNode& node, const std::string& path, Problems& problems,
               StageDraft& draft);

}  // namespace fusor
