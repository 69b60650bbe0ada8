#include "coordinator/core/grant.h"

#include <algorithm>

#include "common/base/count.h"
#include "coordinator/core/checkpoints.h"
#include "coordinator/core/timers.h"
#include "coordinator/core/trials.h"
#include "coordinator/core/waiting.h"

namespace fusor::core {

namespace {

// The sweep's first trial that uses the data set decides which copy all others use.
void PinFingerprint(Turn& turn, ClassQueue& queue, const Worker& worker) {
  const std::string name = queue.requirement.dataset;
  Sweep& sweep = *queue.stage->sweep;
  if (name.empty() || sweep.row.fingerprints.contains(name)) return;
  const DatasetInfo* dataset = FindDataset(worker.info.datasets, name);
  if (dataset == nullptr) return;
  sweep.row.fingerprints[name] = CopyOf(*dataset);
  turn.Write(sweep.row);
  turn.Happened({.kind = "dataset_pinned",
                 .sweep = sweep.row.id,
                 .worker = worker.id,
                 .detail = name + " " + CopyOf(*dataset),
                 .reason = "the first trial that uses it starts on " + worker.info.name});
  for (const auto& stage : sweep.stages) {
    for (const auto& other : stage->classes) {
      if (other->requirement.dataset == name) AssignDemand(turn.world, *other);
    }
  }
}

std::vector<Part> PartsOf(World& world, const Placement& placement, AttemptId id, Time lease) {
  std::vector<Part> parts;
  std::uint32_t rank = 0;
  for (const PlacedPart& placed : placement.parts) {
    Worker& worker = *world.fleet.Find(placed.worker);
    Part part{.worker = placed.worker, .first_rank = rank, .lease_until = lease};
    for (const std::uint32_t position : placed.positions) {
      world.fleet.Take(worker, position, id);
      part.slots.push_back(worker.slots[position].info.index);
    }
    rank += static_cast<std::uint32_t>(part.slots.size());
    worker.attempts.insert(id);
    ArmWorker(world, worker, lease);
    parts.push_back(std::move(part));
  }
  return parts;
}

std::string ReasonOf(const ClassQueue& queue, const Placement& placement) {
  const Sweep& sweep = *queue.stage->sweep;
  std::string reason = "priority ";
  reason += std::to_string(PriorityOf(*queue.stage));
  reason += ", its sweep held ";
  reason += CountOf(sweep.slots_in_use, "slot");
  reason += "; ";
  reason += placement.because;
  return reason;
}

Attempt& MakeAttempt(Turn& turn, const ClassQueue& queue, Trial& trial, const Placement& placement,
                     bool fallback) {
  World& world = turn.world;
  const AttemptId id{++world.last_attempt.value};
  auto& attempt = world.attempts[id];
  attempt = std::make_unique<Attempt>();
  attempt->trial = &trial;
  attempt->parts = PartsOf(world, placement, id, turn.now + world.options.start_deadline);
  attempt->fallback = fallback;
  attempt->heard = turn.now;
  attempt->resume_step = ResumeStep(trial);
  PutAttempt& row = attempt->row;
  row.id = id;
  row.trial = trial.row.key;
  row.number = ++trial.row.attempts;
  row.worker = attempt->parts.front().worker;
  for (const Part& part : attempt->parts) {
    for (const std::uint32_t slot : part.slots) row.slots.emplace_back(part.worker, slot);
  }
  attempt->ranks.resize(row.slots.size());
  const Requirement& requirement = queue.requirement;
  row.precision_used = attempt->fallback ? requirement.fallback_precision : requirement.precision;
  row.granted_because = ReasonOf(queue, placement);
  row.granted = turn.now;
  return *attempt;
}

std::vector<InputFiles> InputsFor(const Stage& stage, std::uint64_t cell) {
  std::vector<InputFiles> inputs;
  for (const auto& need : stage.needs) {
    const Stage& there = *stage.sweep->stages[need->need().stage];
    const std::string prefix = need->need().best ? "best/" : "last/";
    for (const std::uint64_t input : need->InputCells(cell)) {
      InputFiles files{.trial = TextOf(KeyOf(there, input), there)};
      const auto found = there.results.find(input);
      if (found != there.results.end()) {
        for (const StoredFile& file : found->second) {
          if (file.name.starts_with(prefix)) files.files.push_back(file);
        }
      }
      inputs.push_back(std::move(files));
    }
  }
  return inputs;
}

}  // namespace

void Grant(Turn& turn, ClassQueue& queue, std::uint64_t cell, const Placement& placement) {
  World& world = turn.world;
  Stage& stage = *queue.stage;
  Sweep& sweep = *stage.sweep;
  TakePending(queue, cell);
  const bool fallback = queue.demand->fallback;
  PinFingerprint(turn, queue, *world.fleet.Find(placement.parts.front().worker));
  Trial& trial = RecordOf(stage, cell);
  if (trial.row.attempts == 0) {
    trial.row.config_hash = ConfigHash(stage, cell);
    trial.row.first_granted = turn.now;
  }
  Attempt& attempt = MakeAttempt(turn, queue, trial, placement, fallback);
  trial.current = &attempt;
  // What resumes from a checkpoint goes on with what another precision has trained.
  if (attempt.fallback) {
    trial.row.precision_used = attempt.row.precision_used;
  } else if (attempt.resume_step < 0) {
    trial.row.precision_used.clear();
  }
  sweep.slots_in_use += static_cast<int>(attempt.row.slots.size());
  ++sweep.running;
  MoveTrial(turn, trial, TrialState::kRunning,
            {attempt.row.granted_because, attempt.row.id, attempt.row.worker});
  turn.Write(attempt.row);
  for (const Part& part : attempt.parts) {
    turn.SendTo(*world.fleet.Find(part.worker), StartOf(attempt, part));
  }
  for (const auto& other : sweep.stages) {
    for (const auto& waiting : other->classes) UpdateQueue(*waiting);
  }
}

StartMessage StartOf(const Attempt& attempt, const Part& part) {
  const Trial& trial = *attempt.trial;
  const Stage& stage = *trial.stage;
  const StageSpec& spec = *stage.spec;
  StartMessage start;
  start.attempt = attempt.row.id;
  start.trial = TextOf(trial.row.key, stage);
  start.number = attempt.row.number;
  start.name = trial.row.name;
  start.recipe = spec.recipe;
  start.dataset = stage.classes[stage.grid->ClassOf(trial.row.key.cell)]->requirement.dataset;
  start.recipe_version = spec.recipe_version;
  start.config = trial.row.params;
  start.precision_used = attempt.row.precision_used;
  start.slots = part.slots;
  start.rank = part.first_rank;
  start.world = static_cast<std::uint32_t>(attempt.ranks.size());
  start.threads = trial.row.threads;
  start.memory_gib = spec.resources.memory_gib;
  start.time_left = TimeLeft(trial);
  start.hang_timeout = spec.hang_timeout;
  start.checkpoint_every_steps = spec.checkpoint.every_steps;
  start.checkpoint_every = spec.checkpoint.every;
  start.resume = CheckpointAt(trial, attempt.resume_step);
  start.inputs = InputsFor(stage, trial.row.key.cell);
  return start;
}

}  // namespace fusor::core
