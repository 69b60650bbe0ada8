#include "trainer/recipes/initial_files.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "common/recipe/suggest.h"

namespace fusor {
namespace {

namespace fs = std::filesystem;

std::string ExpertPart(std::size_t k) { return "experts." + std::to_string(k) + "."; }

// The model that a run's folder holds; empty for any other folder.
std::string ModelOfRun(const fs::path& folder) {
  for (const char* name :
       {"best/model.safetensors", "last/model.safetensors", "model.safetensors"}) {
    if (fs::exists(folder / name)) return (folder / name).string();
  }
  return "";
}

// expert_2_best, densenet_expert_2_best, densenet_expert_2_alpha_0.5_best
bool IsBestOf(const std::string& stem, std::size_t k) {
  const std::string expert = "expert_" + std::to_string(k) + "_";
  const std::size_t at = stem.find(expert);
  if (at == std::string::npos || (at > 0 && stem[at - 1] != '_')) return false;
  const std::string rest = stem.substr(at + expert.size());
  return rest == "best" || (rest.starts_with("alpha_") && rest.ends_with("_best"));
}

class Finder {
 public:
  Finder(const Job& job, std::size_t experts) : job_(job), experts_(experts) {}

  InitialFiles Find() {
    FindExperts();
    for (const auto& [param, part] :
         {std::pair("init_fusion", "fusion."), std::pair("init_global", "global_head.")}) {
      const std::string& given = job_.config.Text(param);
      if (!given.empty()) Add(param, given, part);
    }
    return std::move(found_);
  }

 private:
  void FindExperts() {
    const std::string& given = job_.config.Text("init_experts");
    if (given.empty()) return FromInputs();
    const std::vector<std::string> paths = SplitList(given);
    if (paths.size() > 1) return FromList(paths);
    if (!fs::is_directory(given)) {
      return fs::exists(given) ? FromFusion(given) : Missing("init_experts", given);
    }
    const std::string model = ModelOfRun(given);
    model.empty() ? FromFolder(given) : FromFusion(model);
  }

  void FromInputs() {
    if (job_.inputs.empty()) return;
    if (!CountIsRight(job_.inputs.size())) return;
    for (std::size_t k = 0; k < experts_; ++k) {
      const std::vector<JobFile>& files = job_.inputs[k].files;
      const auto model = std::find_if(files.begin(), files.end(), [](const JobFile& file) {
        return file.name.ends_with("model.safetensors");
      });
      if (model != files.end()) {
        found_.files.push_back({model->path, ExpertPart(k)});
      } else {
        Problem("the input " + job_.inputs[k].trial + " has no model.safetensors");
      }
    }
  }

  void FromList(const std::vector<std::string>& paths) {
    if (!CountIsRight(paths.size())) return;
    for (std::size_t k = 0; k < experts_; ++k) Add("init_experts", paths[k], ExpertPart(k));
  }

  void FromFusion(const std::string& file) {
    for (std::size_t k = 0; k < experts_; ++k) {
      found_.files.push_back({file, ExpertPart(k), /*must_be_fusion=*/experts_ > 1});
    }
  }

  // Of a file in both kinds the safetensors one is taken.
  void FromFolder(const fs::path& folder) {
    std::set<std::string> stems;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      const std::string extension = entry.path().extension().string();
      if (extension == ".safetensors" || extension == ".pth") {
        stems.insert(entry.path().stem().string());
      }
    }
    for (std::size_t k = 0; k < experts_; ++k) {
      std::vector<std::string> fitting;
      for (const std::string& stem : stems) {
        if (IsBestOf(stem, k)) fitting.push_back(stem);
      }
      const std::string plain = "expert_" + std::to_string(k) + "_best";
      if (stems.contains(plain)) fitting = {plain};
      if (fitting.empty()) {
        Missing("init_experts", (folder / plain).string() + ".safetensors or .pth");
      } else if (fitting.size() > 1) {
        Problem("init_experts: " + folder.string() + ": which of " + JoinNames(fitting) +
                " is expert " + std::to_string(k) + "? Name the files, with commas between");
      } else {
        const fs::path stem = folder / fitting[0];
        const bool safe = fs::exists(stem.string() + ".safetensors");
        found_.files.push_back({stem.string() + (safe ? ".safetensors" : ".pth"), ExpertPart(k)});
      }
    }
  }

  // A file, or the model of a run's folder.
  void Add(const char* param, const std::string& path, const std::string& part) {
    if (!fs::exists(path)) return Missing(param, path);
    if (!fs::is_directory(path)) return found_.files.push_back({path, part});
    const std::string model = ModelOfRun(path);
    if (!model.empty()) return found_.files.push_back({model, part});
    Missing(param, (fs::path(path) / "best/model.safetensors").string());
  }

  bool CountIsRight(std::size_t count) {
    if (count == experts_) return true;
    Problem("there are " + std::to_string(count) + (count == 1 ? " set" : " sets") +
            " of weights for " + std::to_string(experts_) + " experts");
    return false;
  }

  void Missing(const std::string& param, const std::string& path) {
    Problem(param + ": " + path + ": there is no such file");
  }
  void Problem(std::string text) { found_.problems.push_back(std::move(text)); }

  const Job& job_;
  const std::size_t experts_;
  InitialFiles found_;
};

}  // namespace

InitialFiles FindInitial(const Job& job, std::size_t experts) {
  return Finder(job, experts).Find();
}

}  // namespace fusor
