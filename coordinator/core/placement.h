#pragma once

// Where trials go: a pure function from the fleet as it is to a plan, all or nothing.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/core/world.h"

namespace fusor::core {

struct PlacedPart {
  WorkerId worker;
  std::vector<std::uint32_t> positions;  // in Worker::slots
};

struct Placement {
  std::vector<PlacedPart> parts;  // in rank order
  std::string because;
};

struct PlacementAsk {
  const DemandQueue& demand;           // with up-to-date `fits`
  const std::vector<WorkerId>& avoid;  // none of these
  // Single slots go to the workers with the fewest free ones, so that gangs find whole workers.
  bool pack = false;
};

std::optional<Placement> Place(const Fleet& fleet, const PlacementAsk& ask);

// How the slots of a gang spread: so many on each of so many workers; nothing of `per_worker` when
// any number on any worker will do; zero workers when the numbers cannot work out.
struct GangShape {
  int workers = 0;
  int per_worker = 0;  // 0 = any
};
GangShape ShapeOf(const Resources& resources);

// Workers that could host a part if all their usable slots were free, with that number.
std::map<WorkerId, int> UsableFor(const Fleet& fleet, const DemandQueue& demand);
// The same for the slots that are free now.
std::map<WorkerId, int> FreeFor(const Fleet& fleet, const DemandQueue& demand);

// Could the demand be met if every usable slot were free? `avoid` as above.
bool IsFeasible(const Fleet& fleet, const DemandQueue& demand, const std::vector<WorkerId>& avoid);

}  // namespace fusor::core
