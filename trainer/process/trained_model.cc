#include "trainer/process/trained_model.h"

#include <ATen/Parallel.h>

#include <filesystem>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "common/recipe/network_options.h"
#include "common/recipe/suggest.h"
#include "trainer/engine/checkpoint.h"
#include "trainer/io/component.h"
#include "trainer/io/safetensors.h"
#include "trainer/process/arguments.h"
#include "trainer/process/run_trial.h"
#include "trainer/recipes/classifier.h"
#include "trainer/recipes/export.h"
#include "trainer/recipes/registry.h"

namespace fusor {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWhich = "which=";

using Metadata = std::map<std::string, std::string>;

std::string Member(const Metadata& metadata, const char* name) {
  const auto found = metadata.find(name);
  return found == metadata.end() ? "" : found->second;
}

class Silent final : public Reporter {
 public:
  void Started(const StartedReport&) override {}
  void Progress(const ProgressReport&) override {}
  void Metrics(std::int64_t, std::span<const Metric>) override {}
  void Evaluated(const EvaluationReport&) override {}
  void Checkpointed(std::int64_t, std::span<const std::string>) override {}
  void Made(const ArtifactReport&) override {}
  void Ended(std::int64_t, const Outcome&) override {}
};

// The model file of a run's folder.
Result<std::string> InFolder(const fs::path& folder, const std::string& which) {
  std::vector<fs::path> places;
  if (which != "last") places.push_back(folder / "best/model.safetensors");
  if (which != "best") places.push_back(folder / "last/model.safetensors");
  if (which.empty()) places.push_back(folder / "model.safetensors");
  for (const fs::path& place : places) {
    if (fs::exists(place)) return place.string();
  }
  return NotFound(folder.string() + ": no " + (which.empty() ? "best" : which) +
                  "/model.safetensors there; is it the folder of a run that has ended?");
}

// RECIPE/VERSION {"param":value,...}, as a run writes it into its models.
Status ReadConfig(const std::string& text, TrainedModel& trained, ParamValues& values) {
  const std::size_t slash = text.find('/');
  const std::size_t blank = text.find(' ');
  const std::string name = text.substr(0, slash);
  trained.job.recipe = FindRecipe(name);
  if (blank == std::string::npos || trained.job.recipe == nullptr) {
    return DataLoss(trained.file + ": made by the recipe '" + name + "', which this trainer lacks");
  }
  const auto read = ParseParams(*trained.job.recipe, text.substr(blank + 1));
  if (!read.ok()) return DataLoss(trained.file + ": " + read.status().message());
  values = *read;
  return Ok();
}

// A part alone: an expert, of the model that it names or that the arguments name.
Status ReadPart(TrainedModel& trained, ParamValues& values) {
  trained.whole = false;
  trained.job.recipe = FindRecipe("expert");
  const auto part = LoadComponent(trained.file);
  if (!part.ok()) return part.status();
  const ComponentFacts& facts = part->facts;
  if (facts.component == "fusion" || facts.component == "global") {
    return InvalidArgument(trained.file + ": is the " + facts.component +
                           " part of a fusion; a whole one is its run's folder");
  }
  if (!facts.model_architecture.empty()) values["model"] = facts.model_architecture;
  return Ok();
}

Status ReadFacts(TrainedModel& trained, ParamValues& values) {
  const auto file = SafetensorsFile::Open(trained.file);
  const Metadata metadata = file.ok() ? file->header().metadata : Metadata();
  const std::string config = Member(metadata, "fusor.config");
  if (config.empty()) return ReadPart(trained, values);
  RETURN_IF_ERROR(ReadConfig(config, trained, values));
  trained.pixels = Member(metadata, "fusor.pixels");
  trained.step = Member(metadata, "fusor.step");
  const std::string precision = Member(metadata, "fusor.precision");
  if (!precision.empty()) values["precision"] = precision;
  return Ok();
}

// The very images that the run used, where its folder still has their numbers.
void UseSplits(TrainedModel& trained, ParamValues& values) {
  fs::path folder = fs::absolute(trained.file).parent_path();
  if (folder.filename() == "best" || folder.filename() == "last") folder = folder.parent_path();
  if (!fs::exists(folder / "splits") || trained.job.recipe->Find("splits") == nullptr) return;
  values["splits"] = (folder / "splits").string();
  values.erase("holdout");
  values["subset"] = 0.0;
  values["evaluate_subset"] = 0.0;
}

// The weights come from the file; where they once began is of no matter.
void ForgetBeginnings(ParamValues& values) {
  for (auto& [name, value] : values) {
    if (name.starts_with("init_")) value = std::string();
  }
}

}  // namespace

Result<TrainedModel> FindTrained(const std::string& path,
                                 std::span<const char* const> arguments) {
  TrainedModel trained;
  std::string which;
  std::vector<const char*> settings;
  for (const char* argument : arguments) {
    if (std::string_view(argument).starts_with(kWhich)) {
      which = argument + kWhich.size();
    } else {
      settings.push_back(argument);
    }
  }
  if (!which.empty() && which != "best" && which != "last") {
    return InvalidArgument("which: " + NotOneOf(which, {"best", "last"}));
  }
  trained.file = path;
  if (fs::is_directory(path)) {
    auto file = InFolder(path, which);
    if (!file.ok()) return file.status();
    trained.file = *file;
    trained.folder = path;
  } else if (!fs::exists(path)) {
    return NotFound(path + ": there is no such file or folder");
  }
  ParamValues values;
  RETURN_IF_ERROR(ReadFacts(trained, values));
  UseSplits(trained, values);
  ForgetBeginnings(values);
  auto parsed = ParseSettings(*trained.job.recipe, std::move(values), settings);
  if (!parsed.ok()) return parsed.status();
  trained.job = std::move(parsed->job);
  if (trained.folder.empty()) trained.folder = parsed->out;
  return trained;
}

TrainedTask::TrainedTask()
    : reporter_(std::make_unique<Silent>()), control_({}), pulse_(*reporter_, control_) {}

Status TrainedTask::Open(const TrainedModel& trained, bool with_data) {
  at::set_num_threads(trained.job.threads);
  auto device = OpenDevice(trained.job);
  if (!device.ok()) return device.status();
  device_ = *device;
  auto task = MakeTask(trained.job, device_);
  if (!task.ok()) return task.status();
  task_ = std::move(*task);
  if (with_data) {
    RETURN_IF_ERROR(task_->Prepare(pulse_));
  } else if (Classifier* classifier = task_->classifier()) {
    RETURN_IF_ERROR(classifier->Build());
  }
  if (trained.whole) return LoadModel(trained.file, task_->parameters());
  const auto part = LoadComponent(trained.file);
  if (!part.ok()) return part.status();
  return FillTensors(*part, Tensors(task_->parameters()));
}

}  // namespace fusor
