#include "coordinator/server/lookup.h"

#include <charconv>

#include "common/base/count.h"
#include "common/recipe/suggest.h"
#include "coordinator/server/trial_text.h"

namespace fusor {

Result<SweepId> ResolveSweep(std::uint64_t sweep, Readers& readers) {
  if (sweep != 0) return SweepId{sweep};
  Result<SweepId> newest = readers.state->NewestSweep();
  if (!newest.ok()) return newest.status();
  if (!*newest) return NotFound("there are no sweeps yet");
  return newest;
}

Result<ResolvedTrial> ResolveTrial(const TrialKey& key, Readers& readers, SpecCache& specs) {
  Result<std::shared_ptr<const SweepModel>> model = specs.Get(key.sweep, *readers.state);
  if (!model.ok()) return model.status();
  const std::string sweep = std::to_string(key.sweep.value);
  if (key.stage >= (*model)->grids.size()) {
    return NotFound("sweep " + sweep + " has no stage number " + std::to_string(key.stage));
  }
  const std::string& stage = (*model)->stage_names[key.stage];
  if (key.cell >= (*model)->grid(key.stage).size()) {
    return NotFound("no trial " + TrialIdText(key.sweep, stage, key.cell) + ": the stage has " +
                    CountOf((*model)->grid(key.stage).size(), "cell"));
  }
  if (!(*model)->grid(key.stage).IsTrial(key.cell)) {
    return NotFound("cell " + TrialIdText(key.sweep, stage, key.cell) +
                    " is excluded or was not drawn: it is no trial");
  }
  return ResolvedTrial{key, *model};
}

Result<ResolvedTrial> ResolveTrial(const std::string& text, Readers& readers, SpecCache& specs) {
  Result<TrialText> parsed = ParseTrialText(text);
  if (!parsed.ok()) return parsed.status();
  Result<std::optional<SweepId>> named = ParseSweepText(parsed->sweep);
  if (!named.ok()) return named.status();
  Result<SweepId> sweep = ResolveSweep(named->value_or(SweepId{}).value, readers);
  if (!sweep.ok()) return sweep.status();
  Result<std::shared_ptr<const SweepModel>> model = specs.Get(*sweep, *readers.state);
  if (!model.ok()) return model.status();
  Result<std::uint32_t> stage = FindStage((*model)->stage_names, parsed->stage);
  if (!stage.ok()) return stage.status();
  return ResolveTrial(TrialKey{*sweep, *stage, parsed->cell}, readers, specs);
}

Result<WorkerId> FindWorker(const std::vector<PutWorker>& workers, const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  std::vector<const PutWorker*> found;
  std::vector<std::string> names;
  for (const PutWorker& worker : workers) {
    if (is_number && worker.id.value == number) return worker.id;
    if (worker.info.uid == text) return worker.id;
    names.push_back(worker.info.name);
    if (worker.info.name == text) found.push_back(&worker);
  }
  if (found.empty() && !text.empty()) {
    for (const PutWorker& worker : workers) {
      if (worker.info.name.starts_with(text) || worker.info.uid.starts_with(text)) {
        found.push_back(&worker);
      }
    }
  }
  if (found.empty()) return NotFound("no worker '" + text + "'" + Suggestion(text, names));
  if (found.size() == 1) return found.front()->id;
  std::string message = "'" + text + "' may be";
  for (const PutWorker* worker : found) {
    message += " " + std::to_string(worker->id.value) + " (" + worker->info.name + ")";
  }
  return InvalidArgument(message + "; give the number");
}

}  // namespace fusor
