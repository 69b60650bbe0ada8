#include "coordinator/core/explain.h"

#include <algorithm>

#include "common/base/count.h"
#include "coordinator/core/causes.h"
#include "coordinator/core/dependents.h"
#include "coordinator/core/placement.h"
#include "coordinator/core/trials.h"
#include "coordinator/core/waiting.h"

namespace fusor::core {

namespace {

constexpr std::size_t kListed = 10;

std::string Seconds(Duration duration) {
  return std::to_string((duration.count() + 999) / 1000) + " s";
}

void ExplainSkipped(const Stage& stage, std::uint64_t cell, Explanation& explanation) {
  for (Cause& cause : CausesOf(stage, cell, kListed)) {
    explanation.reasons.push_back(std::move(cause.text));
    if (cause.trial) explanation.causes.push_back(*cause.trial);
  }
}

void ExplainSweep(const Sweep& sweep, std::vector<std::string>& reasons) {
  if (sweep.row.state == SweepState::kPaused) {
    reasons.push_back("the sweep is paused; `fusor resume " + std::to_string(sweep.row.id.value) +
                      "` lets it go on");
  }
  if (sweep.row.max_running > 0 && sweep.running >= sweep.row.max_running) {
    reasons.push_back("max_running is " + std::to_string(sweep.row.max_running) +
                      ", and so many trials of the sweep run");
  }
}

void ExplainTrialItself(const Trial& trial, const Stage& stage, const World& world, Time now,
                        std::vector<std::string>& reasons) {
  if (trial.ready_at > now && trial.row.state == TrialState::kReady) {
    reasons.push_back("backs off for " + Seconds(trial.ready_at - now) + " after " +
                      trial.row.reason);
  }
  const ClassQueue& queue = *stage.classes[stage.grid->ClassOf(trial.row.key.cell)];
  if (!queue.set_aside.Contains(trial.row.key.cell)) return;
  std::string text = "waits for another worker than";
  for (const WorkerId worker : trial.avoid) text += " " + world.fleet.Find(worker)->info.name;
  reasons.push_back(text + ", where it crashed");
}

// "busy with 7.experts.1, 7.experts.2".
std::string BusyWith(const World& world, const Worker& worker) {
  std::string text;
  std::size_t listed = 0;
  for (const AttemptId id : worker.attempts) {
    if (listed++ == 3) return text + ", ...";
    const Attempt& attempt = *world.attempts.at(id);
    text += (text.empty() ? "busy with " : ", ") + TextOf(attempt.row.trial, *attempt.trial->stage);
  }
  return text;
}

// What suits it is in use: where most is free, and by whom the rest is used.
void ExplainBusy(const World& world, const DemandQueue& demand, std::vector<std::string>& reasons) {
  const auto free = FreeFor(world.fleet, demand);
  WorkerId most;
  int count = -1;
  for (const auto& [worker, usable] : UsableFor(world.fleet, demand)) {
    const auto found = free.find(worker);
    const int here = found == free.end() ? 0 : found->second;
    if (here > count) {
      most = worker;
      count = here;
    }
  }
  if (!most) return;
  const Worker& worker = *world.fleet.Find(most);
  const std::string busy = BusyWith(world, worker);
  std::string text = "needs " + Describe(demand.demand.requirement) + "; the largest free is " +
                     std::to_string(count) + " on " + worker.info.name;
  if (!busy.empty()) text += " (" + busy + ")";
  reasons.push_back(std::move(text));
}

// Slots that would suit it but are out of use.
void ExplainUnusable(const World& world, const Demand& demand, std::vector<std::string>& reasons) {
  std::size_t listed = 0;
  for (const auto& [id, worker] : world.fleet.workers()) {
    for (const Slot& slot : worker->slots) {
      const std::string condition = slot.Condition();
      if (!slot.offered || condition.empty() || worker->gone) continue;
      const Match match = MatchOffer(demand, OfferOf(worker->info, slot.info)).match;
      if (match == Match::kNo || listed++ >= kListed) continue;
      reasons.push_back("slot " + std::to_string(slot.info.index) + " of " + worker->info.name +
                        " is " + condition);
    }
    if (worker->gone || worker->Placeable() || worker->slots.empty()) continue;
    const Match match = MatchOffer(demand, OfferOf(worker->info, worker->slots[0].info)).match;
    if (match == Match::kNo || listed++ >= kListed) continue;
    reasons.push_back(worker->info.name + " is " + worker->StateName() +
                      (worker->reason.empty() ? "" : ": " + worker->reason));
  }
}

void ExplainQueue(const World& world, const DemandQueue& demand, const WaitKey& key,
                  std::vector<std::string>& reasons) {
  std::size_t before = 0;
  for (auto it = demand.waiting.begin(); it != demand.waiting.end() && it->first < key; ++it) {
    ++before;
  }
  if (before > 0) {
    const WaitKey& first = demand.waiting.begin()->first;
    reasons.push_back(CountWords(before, "class of trials is", "classes of trials are") +
                      " served first, now sweep " + std::to_string(first.sweep.value) +
                      " with priority " + std::to_string(-first.negative_priority) + " and " +
                      CountOf(first.slots_in_use, "slot") + " in use");
  }
  for (const auto& [name, other] : world.demands) {
    if (other->reservation == 0 || other.get() == &demand) continue;
    const bool shared = std::any_of(other->fits.begin(), other->fits.end(), [&](auto group) {
      return std::find(demand.fits.begin(), demand.fits.end(), group) != demand.fits.end();
    });
    if (shared) {
      reasons.push_back("slots are kept for a gang of sweep " +
                        (other->waiting.empty()
                             ? std::string("?")
                             : std::to_string(other->waiting.begin()->first.sweep.value)) +
                        " that has waited for long");
    }
  }
}

void ExplainPlace(const World& world, const Stage& stage, std::uint64_t cell,
                  std::vector<std::string>& reasons) {
  const ClassQueue& queue = *stage.classes[stage.grid->ClassOf(cell)];
  // A copy, as its fits may be older than the fleet.
  DemandQueue demand;
  demand.demand = queue.demand->demand;
  UpdateFits(world.fleet, demand);
  if (!IsFeasible(world.fleet, demand, {})) {
    const FitReport report = FitOf(world, demand.demand);
    reasons.insert(reasons.end(), report.missing.begin(), report.missing.end());
  } else {
    if (!Place(world.fleet, {demand, {}, false})) ExplainBusy(world, demand, reasons);
    if (queue.queued) {
      ExplainQueue(world, *queue.demand, queue.key, reasons);
      if (cell > queue.key.cell) {
        reasons.push_back("trials of its class with lower numbers start first, now " +
                          TextOf(KeyOf(stage, queue.key.cell), stage));
      }
    }
  }
  ExplainUnusable(world, demand.demand, reasons);
}

// What no worker has, in one line each, instead of once for each worker.
std::vector<std::string> GeneralReasons(const World& world, const Demand& demand) {
  std::vector<std::string> reasons;
  const Requirement& want = demand.requirement;
  const auto nobody = [&](const auto& has) {
    for (const SlotGroup& group : world.fleet.groups()) {
      if (!group.usable.empty() && has(group.offer)) return false;
    }
    return true;
  };
  const auto offers = [](const Offer& offer, const std::string& precision) {
    return std::find(offer.precisions.begin(), offer.precisions.end(), precision) !=
           offer.precisions.end();
  };
  if (nobody([](const Offer&) { return true; }))
    return {"no worker with a usable slot is connected"};
  if (want.resources.device == DeviceKind::kGpu &&
      nobody([](const Offer& offer) { return offer.slot.gpu; })) {
    reasons.push_back("no worker has a gpu");
  }
  if (!want.precision.empty() && nobody([&](const Offer& offer) {
        return offers(offer, want.precision) || offers(offer, want.fallback_precision);
      })) {
    reasons.push_back("precision " + want.precision + " is offered by no worker");
  }
  if (!want.dataset.empty() && nobody([&](const Offer& offer) {
        return FindDataset(offer.datasets, want.dataset) != nullptr;
      })) {
    reasons.push_back("data set " + want.dataset +
                      " is on no worker: bring it to one (fusor data fetch), or start one with "
                      "--auto-fetch");
  }
  if (!want.gpu_type.empty() &&
      nobody([&](const Offer& offer) { return offer.slot.gpu_type == want.gpu_type; })) {
    reasons.push_back("gpu type " + want.gpu_type + " is on no worker");
  }
  for (const auto& [name, value] : want.resources.labels) {
    if (nobody([&](const Offer& offer) {
          const auto found = offer.labels.find(name);
          return found != offer.labels.end() && found->second == value;
        })) {
      reasons.push_back("label " + name + "=" + value + " is on no worker");
    }
  }
  return reasons;
}

}  // namespace

FitReport FitOf(const World& world, const Demand& asked) {
  DemandQueue demand;
  demand.demand = asked;
  UpdateFits(world.fleet, demand);
  FitReport report;
  const GangShape shape = ShapeOf(asked.requirement.resources);
  const auto usable = UsableFor(world.fleet, demand);
  for (const auto& [worker, count] : usable) {
    if (count < shape.per_worker) continue;
    ++report.workers_fitting;
    report.slots_fitting += count;
    report.fitting.push_back(world.fleet.Find(worker)->info.name);
  }
  if (IsFeasible(world.fleet, demand, {})) return report;
  if (demand.native_away) {
    const Requirement& want = asked.requirement;
    report.missing.push_back("precision " + want.precision +
                             " is offered by workers that are away for the moment; " +
                             want.fallback_precision + " serves once they are gone");
    return report;
  }
  report.missing = GeneralReasons(world, asked);
  if (!report.missing.empty()) return report;
  const Resources& resources = asked.requirement.resources;
  if (shape.workers == 0) {
    report.missing.push_back(CountOf(resources.slots, "slot") + " cannot be spread with " +
                             std::to_string(resources.per_worker) + " on each worker");
    return report;
  }
  for (const auto& [id, worker] : world.fleet.workers()) {
    if (!worker->Placeable() || worker->slots.empty() || report.missing.size() >= kListed) continue;
    const auto found = usable.find(id);
    const MatchResult match = MatchOffer(asked, OfferOf(worker->info, worker->slots[0].info));
    std::string text = worker->info.name + ": ";
    if (match.match == Match::kNo) {
      for (const std::string& missing : match.missing) {
        text += missing + (&missing == &match.missing.back() ? "" : ", ");
      }
    } else {
      const auto suits = static_cast<std::uint64_t>(found == usable.end() ? 0 : found->second);
      text += CountWords(suits, "usable slot that suits it", "usable slots that suit it") +
              ", needed are " + Describe(asked.requirement);
    }
    report.missing.push_back(std::move(text));
  }
  return report;
}

Explanation ExplainTrial(const World& world, const TrialKey& key, Time now) {
  Explanation explanation;
  std::vector<std::string>& reasons = explanation.reasons;
  const Stage* stage = FindStage(world, key);
  if (stage == nullptr || !stage->grid->IsTrial(key.cell)) {
    reasons.push_back("there is no such trial");
    return explanation;
  }
  explanation.state = StateOf(*stage, key.cell);
  if (explanation.state == TrialState::kSkipped) ExplainSkipped(*stage, key.cell, explanation);
  if (explanation.state == TrialState::kRunning || IsTerminal(explanation.state)) {
    return explanation;
  }
  ExplainSweep(*stage->sweep, reasons);
  const std::vector<std::string> missing = MissingInputs(*stage, key.cell, kListed);
  reasons.insert(reasons.end(), missing.begin(), missing.end());
  if (const Trial* trial = FindTrial(*stage, key.cell)) {
    ExplainTrialItself(*trial, *stage, world, now, reasons);
  }
  ExplainPlace(world, *stage, key.cell, reasons);
  if (reasons.empty()) reasons.push_back("it is about to be placed");
  return explanation;
}

}  // namespace fusor::core
