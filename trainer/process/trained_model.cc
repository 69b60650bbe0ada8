#include "trainer/process/trained_model.h"

#include <ATen/Parallel.h>

#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "common/recipe/image_params.h"
#include "common/recipe/suggest.h"
#include "trainer/contract/silent_reporter.h"
#include "trainer/engine/checkpoint.h"
#include "trainer/io/component.h"
#include "trainer/process/arguments.h"
#include "trainer/process/run_files.h"
#include "trainer/process/run_trial.h"
#include "trainer/recipes/classifier.h"
#include "trainer/recipes/export.h"
#include "trainer/recipes/registry.h"

namespace fusor {
namespace {

namespace fs = std::filesystem;

// What the arguments say, told apart.
struct Wishes {
  std::string which;
  std::string recipe;
  std::vector<const char*> settings;

  bool Sets(std::string_view name) const {
    for (const std::string_view setting : settings) {
      if (setting == "--config") return true;  // may set anything
      if (setting.starts_with(std::string(name) + "=")) return true;
    }
    return false;
  }
};

Result<Wishes> ReadWishes(std::span<const char* const> arguments) {
  Wishes wishes;
  for (const char* argument : arguments) {
    const std::string_view text = argument;
    if (text.starts_with("which=")) {
      wishes.which = text.substr(6);
    } else if (text.starts_with("recipe=")) {
      wishes.recipe = text.substr(7);
    } else {
      wishes.settings.push_back(argument);
    }
  }
  if (wishes.which.empty() || wishes.which == "best" || wishes.which == "last") return wishes;
  return InvalidArgument("which: " + NotOneOf(wishes.which, {"best", "last"}));
}

// Looks a model up and gathers what is known of it.
class Finder {
 public:
  Finder(std::string path, const Wishes& wishes) : wishes_(wishes) {
    trained_.file = std::move(path);
  }

  Result<TrainedModel> Find() {
    RETURN_IF_ERROR(FindFile());
    RETURN_IF_ERROR(ReadFacts());
    UseSplits();
    ForgetTraining();
    auto parsed = ParseSettings(*trained_.job.recipe, std::move(values_), wishes_.settings);
    if (!parsed.ok()) return parsed.status();
    trained_.job = std::move(parsed->job);
    trained_.job.pixels = pixels_;
    return std::move(trained_);
  }

 private:
  Status FindFile() {
    if (!fs::exists(trained_.file)) {
      return NotFound(trained_.file + ": there is no such file or folder");
    }
    run_ = RunAround(trained_.file);
    if (fs::is_directory(trained_.file)) {
      auto file = ModelIn(trained_.file, wishes_.which);
      if (!file.ok()) return file.status();
      trained_.file = *file;
    }
    const fs::path folder = fs::path(trained_.file).parent_path();
    trained_.folder = !run_.empty() ? run_ : folder.empty() ? "." : folder.string();
    return Ok();
  }

  Status ReadFacts() {
    auto own = ReadRunFacts(trained_.file);
    if (!own.ok()) return own.status();
    if (*own) {
      Take(**own);
      trained_.step = (*own)->step;
      return Ok();
    }
    trained_.whole = false;
    auto part = LoadComponent(trained_.file);
    if (!part.ok()) return part.status();
    return run_.empty() ? ReadLone(part->facts) : ReadPart(part->facts);
  }

  void Take(RunFacts& facts) {
    trained_.job.recipe = facts.recipe;
    pixels_ = facts.pixels;
    values_ = std::move(facts.values);
  }

  // A part in its run's folder: what it was trained with is what the run's own model says.
  Status ReadPart(const ComponentFacts& part) {
    const auto model = ModelIn(run_, "");
    if (!model.ok()) return model.status();
    auto run = ReadRunFacts(*model);
    if (!run.ok()) return run.status();
    if (!*run || !part.component.starts_with("expert_")) return ReadLone(part);
    Take(**run);
    if (trained_.job.recipe->name == "fusion") BecomeExpert(part.component.substr(7));
    return Ok();
  }

  // From the values of a fusion to those of one of its experts.
  void BecomeExpert(const std::string& number) {
    const Recipe* expert = FindRecipe("expert");
    const auto models = values_.find("models");
    const auto* text =
        models == values_.end() ? nullptr : std::get_if<std::string>(&models->second);
    const auto mixed = ReadNetworks(text == nullptr ? std::string_view() : std::string_view(*text));
    std::erase_if(values_, [&](const auto& entry) { return expert->Find(entry.first) == nullptr; });
    const auto k = static_cast<std::size_t>(std::atoi(number.c_str()));
    values_["expert"] = static_cast<std::int64_t>(k);
    if (mixed.ok() && k < mixed->size()) SetNetwork(values_, (*mixed)[k]);
    trained_.job.recipe = expert;
  }

  // A file that lies anywhere.
  Status ReadLone(const ComponentFacts& part) {
    pixels_ = part.pixels;
    const std::string& file = trained_.file;
    const bool joined = part.component == "fusion" || part.component == "global";
    if (joined && wishes_.recipe.empty()) {
      return InvalidArgument(file + ": is the " + part.component +
                             " part of a fusion; a whole one is its run's folder");
    }
    const std::string recipe = wishes_.recipe.empty() ? "expert" : wishes_.recipe;
    trained_.job.recipe = FindRecipe(recipe);
    if (trained_.job.recipe == nullptr)
      return InvalidArgument("there is no recipe '" + recipe + "'");
    std::vector<std::string> missing;
    const auto need = [&](const char* name, const std::string& known) {
      const Param* param = trained_.job.recipe->Find(name);
      if (param == nullptr || wishes_.Sets(name)) return;
      if (known.empty()) {
        missing.push_back("\n  " + std::string(name) + "=" + JoinNames(param->choices));
      } else {
        values_[name] = known;
      }
    };
    const std::vector<std::string> models = ModelNames();
    const bool known =
        std::find(models.begin(), models.end(), part.model_architecture) != models.end();
    need("model", known ? part.model_architecture : "");
    need("fusion", part.fusion_type);
    need("data", "");
    if (missing.empty()) return Ok();
    std::string message =
        file + ": does not say how it was made, and lies in no run's folder. Missing, one of:";
    for (const std::string& each : missing) message += each;
    return InvalidArgument(message + "\nand what else differs from 'fusor-train " + recipe +
                           " --help': depth, width, ...");
  }

  // The very images that the run used, where its folder still has their numbers.
  void UseSplits() {
    const fs::path splits = fs::path(run_) / "splits";
    if (run_.empty() || !fs::exists(splits)) return;
    if (trained_.job.recipe->Find("splits") == nullptr) return;
    values_["splits"] = splits.string();
    values_.erase("holdout");
    values_["subset"] = 0.0;
    values_["evaluate_subset"] = 0.0;
  }

  // The weights come from the file, wherever they once began; and no step is made, so that less
  // than a batch can be evaluated too.
  void ForgetTraining() {
    for (auto& [name, value] : values_) {
      if (name.starts_with("init_")) value = std::string();
    }
    values_.erase("micro_batch_size");
    values_.erase("accumulate");
    if (trained_.job.recipe->Find("micro_batch_size") != nullptr) {
      values_["batch_size"] = std::int64_t{1};
    }
  }

  const Wishes& wishes_;
  TrainedModel trained_;
  std::string run_;
  std::string pixels_;
  ParamValues values_;
};

}  // namespace

Result<TrainedModel> FindTrained(const std::string& path, std::span<const char* const> arguments) {
  const auto wishes = ReadWishes(arguments);
  if (!wishes.ok()) return wishes.status();
  return Finder(path, *wishes).Find();
}

TrainedTask::TrainedTask()
    : reporter_(std::make_unique<SilentReporter>()), control_({}), pulse_(*reporter_, control_) {}

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
