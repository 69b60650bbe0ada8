#include "worker/process/job.h"

#include "common/text/json.h"

namespace fusor::agent {

namespace {

constexpr int kOomScoreAdjust = 1'000;

void WriteFiles(JsonWriter& json, const std::vector<StoredFile>& files, const JobPlaces& places) {
  json.Key("files").BeginArray();
  for (const StoredFile& file : files) {
    json.BeginObject().Key("name").Text(file.name);
    json.Key("path").Text((places.input_directory / file.sha256).string()).EndObject();
  }
  json.EndArray();
}

}  // namespace

int ThreadsOf(const StartMessage& start, const SlotPlan& slot) {
  return start.threads > 0 ? start.threads : slot.info.cpus;
}

std::map<std::string, std::string> TrialEnvironment(const StartMessage& start,
                                                    const SlotPlan& slot) {
  std::map<std::string, std::string> env = slot.env;
  env["OMP_NUM_THREADS"] = std::to_string(ThreadsOf(start, slot));
  return env;
}

std::string JobText(const StartMessage& start, const SlotPlan& slot, const JobPlaces& places) {
  JsonWriter json;
  json.BeginObject().Key("contract").Int(1);
  json.Key("attempt").Int(static_cast<std::int64_t>(start.attempt.value));
  json.Key("trial").Text(start.trial);
  json.Key("number").Int(start.number);
  json.Key("name").Text(start.name);
  json.Key("recipe").Text(start.recipe);
  json.Key("recipe_version").Int(start.recipe_version);
  json.Key("config").Raw(start.config.empty() ? "{}" : start.config);
  json.Key("threads").Int(ThreadsOf(start, slot));
  json.Key("cpus").BeginArray();
  for (const int cpu : slot.cpus) json.Int(cpu);
  json.EndArray();
  json.Key("device").Text(slot.info.gpu ? "cuda" : "cpu");
  json.Key("precision_used").Text(start.precision_used);
  if (!places.datasets_directory.empty()) json.Key("datasets_dir").Text(places.datasets_directory);
  json.Key("oom_score_adj").Int(kOomScoreAdjust);
  if (start.resume) {
    json.Key("resume").BeginObject().Key("step").Int(start.resume->step);
    WriteFiles(json, start.resume->files, places);
    json.EndObject();
  }
  if (!start.inputs.empty()) {
    json.Key("inputs").BeginArray();
    for (const InputFiles& input : start.inputs) {
      json.BeginObject().Key("trial").Text(input.trial);
      WriteFiles(json, input.files, places);
      json.EndObject();
    }
    json.EndArray();
  }
  json.Key("checkpoint").BeginObject();
  json.Key("every_steps").Int(start.checkpoint_every_steps);
  json.Key("every_ms").Int(start.checkpoint_every.count()).EndObject();
  json.Key("rank").Int(start.rank).Key("world").Int(start.world);
  json.Key("env").BeginObject();
  for (const auto& [key, value] : TrialEnvironment(start, slot)) json.Key(key).Text(value);
  json.EndObject().EndObject();
  return json.Take();
}

}  // namespace fusor::agent
