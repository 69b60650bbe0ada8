#include "trainer/recipes/initial.h"

#include <filesystem>
#include <optional>

#include "common/recipe/suggest.h"
#include "trainer/io/component.h"
#include "trainer/io/safetensors.h"
#include "trainer/recipes/export.h"

namespace fusor {
namespace {

namespace fs = std::filesystem;

std::string Plural(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " set" : " sets");
}

// The model among an input's files.
std::optional<std::string> ModelOf(const JobInput& input) {
  for (const JobFile& file : input.files) {
    if (file.name.ends_with("model.safetensors")) return file.path;
  }
  return std::nullopt;
}

Result<std::vector<std::string>> FromInputs(const Job& job) {
  std::vector<std::string> paths;
  for (const JobInput& input : job.inputs) {
    const auto path = ModelOf(input);
    if (!path) return NotFound("the input " + input.trial + " has no model.safetensors");
    paths.push_back(*path);
  }
  return paths;
}

// expert_{k}_best of a folder, of either kind.
Result<std::vector<std::string>> FromFolder(const std::string& folder, std::size_t experts) {
  std::vector<std::string> paths;
  std::string missing;
  for (std::size_t k = 0; k < experts; ++k) {
    const std::string stem = folder + "/expert_" + std::to_string(k) + "_best";
    if (fs::exists(stem + ".safetensors")) {
      paths.push_back(stem + ".safetensors");
    } else if (fs::exists(stem + ".pth")) {
      paths.push_back(stem + ".pth");
    } else {
      missing += "\n" + stem + ".safetensors or .pth: there is no such file";
    }
  }
  if (!missing.empty()) return NotFound("init_experts:" + missing);
  return paths;
}

Result<std::vector<std::string>> ExpertFiles(const Job& job, std::size_t experts) {
  const std::string& given = job.config.Text("init_experts");
  if (given.empty()) return FromInputs(job);
  if (fs::is_directory(given)) return FromFolder(given, experts);
  return SplitList(given);
}

// An expert of another division may have been trained on what this trial validates with.
Status CheckDivision(const Job& job, const std::string& path) {
  const auto file = SafetensorsFile::Open(path);
  if (!file.ok()) return Ok();  // of a kind that says nothing of its data
  const auto& metadata = file->header().metadata;
  const auto config = metadata.find("fusor.config");
  const Recipe* recipe = FindRecipe("expert");
  if (config == metadata.end() || !config->second.starts_with(recipe->name + "/")) return Ok();
  const auto values = ParseParams(*recipe, config->second.substr(config->second.find(' ') + 1));
  if (!values.ok()) return Ok();  // of another version
  for (const char* param : {"data", "splits", "holdout", "validation"}) {
    const auto theirs = values->find(param);
    const auto ours = job.config.values().find(param);
    if (theirs == values->end() || theirs->second == ours->second) continue;
    return FailedPrecondition(path + ": was trained with " + param + "=" +
                              DisplayText(theirs->second) + ", this trial has " +
                              DisplayText(ours->second) +
                              ": it may have seen the images that are held out here");
  }
  return Ok();
}

Status Fill(const Job& job, const std::string& path, const std::vector<NamedTensor>& into) {
  RETURN_IF_ERROR(CheckDivision(job, path));
  const auto component = LoadComponent(path);
  if (!component.ok()) return component.status();
  return FillTensors(*component, into);
}

}  // namespace

Status FillInitial(const Job& job, std::size_t experts, ParameterSet& parameters) {
  const auto files = ExpertFiles(job, experts);
  if (!files.ok()) return files.status();
  if (!files->empty() && files->size() != experts) {
    return DataLoss("there are " + Plural(files->size()) + " of weights for " +
                    std::to_string(experts) + " experts");
  }
  std::string problems;
  const auto fill = [&](const std::string& path, const std::string& prefix) {
    const Status status = Fill(job, path, Tensors(parameters, prefix));
    if (!status.ok()) problems += (problems.empty() ? "" : "\n") + status.message();
  };
  for (std::size_t k = 0; k < files->size(); ++k) {
    fill((*files)[k], "experts." + std::to_string(k) + ".");
  }
  for (const auto& [param, prefix] :
       {std::pair("init_fusion", "fusion."), std::pair("init_global", "global_head.")}) {
    if (!job.config.Text(param).empty()) fill(job.config.Text(param), prefix);
  }
  if (!problems.empty()) return DataLoss(problems);
  return Ok();
}

}  // namespace fusor
