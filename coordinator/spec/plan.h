#pragma once

// What a sweep amounts to, before anything of it is stored. Which workers fit is the server's to
// add.

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/core/grid.h"
#include "coordinator/core/spec.h"

namespace fusor {

struct PlanReport {
  struct Exclusion {
    std::string rule;
    std::uint64_t cells = 0;  // a cell counts for the first rule that takes it
  };
  // Trials that fit the same workers.
  struct Class {
    std::uint32_t number = 0;  // Grid::RequirementOf
    Requirement requirement;
    std::string text;
    std::uint64_t trials = 0;
  };
  struct Stage {
    std::string name;
    std::string recipe;
    std::vector<std::string> axes;   // "seed (3)", "model (4)"
    std::vector<std::string> needs;  // "experts (4 per trial)"
    std::uint64_t cells = 0;
    std::uint64_t trials = 0;
    bool drawn = false;  // trials were drawn at random from the cells not excluded
    std::vector<Exclusion> excluded;
    std::vector<Class> classes;  // those that have trials
  };
  std::string name;
  std::vector<Stage> stages;
  std::uint64_t cells = 0;
  std::uint64_t trials = 0;
};

PlanReport MakePlan(const SweepSpec& sweep);

// "2 gpu slots on one worker, 4 cpus, 16 GiB of memory per slot, precision bf16, data cifar100".
std::string RequirementText(const Requirement& requirement);

}  // namespace fusor
