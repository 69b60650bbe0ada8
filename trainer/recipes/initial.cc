#include "trainer/recipes/initial.h"

#include <algorithm>
#include <string_view>

#include "trainer/io/component.h"
#include "trainer/io/safetensors.h"
#include "trainer/io/tensor_names.h"
#include "trainer/recipes/export.h"
#include "trainer/recipes/initial_files.h"

namespace fusor {
namespace {

constexpr char kModule[] = "fusion.";
constexpr char kAdapters[] = "adapters.";

constexpr char kMayHaveSeen[] = "it may have seen the images that are held out here";

// Where only the words can be compared.
Status CompareConfigs(const Job& job, const Component& component) {
  const std::string& path = component.path;
  const auto file = SafetensorsFile::Open(path);
  if (!file.ok()) return Ok();  // of a kind that says nothing of its data
  const auto& metadata = file->header().metadata;
  const auto config = metadata.find("fusor.config");
  if (config == metadata.end()) return Ok();
  const Recipe* recipe = FindRecipe(config->second.substr(0, config->second.find('/')));
  if (recipe == nullptr) return Ok();
  const auto values = ParseParams(*recipe, config->second.substr(config->second.find(' ') + 1));
  if (!values.ok()) return Ok();  // of another version
  const ParamValues& own = job.config.values();
  const auto differs = [&](const char* param) {
    const auto theirs = values->find(param);
    return theirs != values->end() && theirs->second != own.find(param)->second;
  };
  // Folders of other names may hold the same files; where the images are there they are compared.
  const bool by_folder = differs("splits") && !component.facts.division.empty();
  for (const char* param : {"data", "splits", "holdout", "validation"}) {
    if (!differs(param) || (by_folder && std::string_view(param) != "data")) continue;
    const auto theirs = values->find(param);
    const auto ours = own.find(param);
    return FailedPrecondition(path + ": was trained with " + param + "=" +
                              DisplayText(theirs->second) + ", this trial has " +
                              DisplayText(ours->second) + ": " + kMayHaveSeen);
  }
  return Ok();
}

// A model of another division may have been trained on what this trial validates with.
Status CheckDivision(const Job& job, const std::string& division, const Component& component) {
  const std::string& theirs = component.facts.division;
  if (theirs.empty() || division.empty()) return CompareConfigs(job, component);
  if (theirs == division) return Ok();
  RETURN_IF_ERROR(CompareConfigs(job, component));  // says what was different, where it sees it
  return FailedPrecondition(component.path +
                            ": was trained with another division of the images, or with other "
                            "images: " +
                            kMayHaveSeen);
}

bool HasExperts(const Component& component) {
  return std::any_of(component.tensors.begin(), component.tensors.end(), [](const auto& named) {
    return OwnName(named.name).starts_with("experts.0.");
  });
}

Result<Component> Load(const Job& job, const std::string& division, const InitialFile& file) {
  auto component = LoadComponent(file.path);
  if (!component.ok()) return component.status();
  RETURN_IF_ERROR(CheckDivision(job, division, *component));
  if (file.must_be_fusion && !HasExperts(*component)) {
    return FailedPrecondition(
        file.path +
        ": holds one model, not those of all experts: name a file for each, "
        "with commas between, or a folder of expert_0_best, expert_1_best, ...");
  }
  Component part = PartOf(*component, file.part);
  // Adapters belong to the fusion module; in a whole model they stand beside it.
  const bool whole = part.tensors.size() < component->tensors.size();
  for (const NamedTensor& named : component->tensors) {
    if (whole && file.part == kModule && named.name.starts_with(kAdapters)) {
      part.tensors.push_back(named);
    }
  }
  return part;
}

// What the part's file fills.
std::vector<NamedTensor> Places(const ParameterSet& parameters, const std::string& part) {
  std::vector<NamedTensor> places = Tensors(parameters, part);
  if (part != kModule) return places;
  for (const NamedTensor& adapter : Tensors(parameters, kAdapters)) {
    places.push_back({kAdapters + adapter.name, adapter.tensor});
  }
  return places;
}

}  // namespace

Status FillInitial(const Job& job, const std::string& division, std::size_t experts,
                   ParameterSet& parameters) {
  InitialFiles found = FindInitial(job, experts);
  for (const InitialFile& file : found.files) {
    const auto component = Load(job, division, file);
    const Status status = component.ok() ? FillTensors(*component, Places(parameters, file.part))
                                         : component.status();
    if (status.ok()) continue;
    found.problems.push_back(status.message());
    if (file.must_be_fusion) break;  // the others are of the same file
  }
  if (found.problems.empty()) return Ok();
  std::string text;
  for (const std::string& problem : found.problems) text += (text.empty() ? "" : "\n") + problem;
  return DataLoss(text);
}

}  // namespace fusor
