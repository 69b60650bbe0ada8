#pragma once

// What is wrong with a sweep file: all of it at once, each with its place.

#include <string>
#include <string_view>
#include <vector>

#include "common/text/yaml.h"

namespace fusor {

struct SpecProblem {
  int line = 0;  // counted from 1, in the file or in the override's text
  int column = 0;
  std::string path;     // "stages.fusion.params.epochs"; empty for the file as a whole
  std::string message;  // what is wrong and, where there is one, the nearest right name
  std::string origin;   // empty: the file; else the override, as it was given

  friend bool operator==(const SpecProblem&, const SpecProblem&) = default;
};

// "sweep.yaml:12:5: stages.fusion.params.epoch: ...", or "--set a.b=c: a.b: ..." for an override.
std::string ProblemText(const SpecProblem& problem, std::string_view file_name);

// Collects problems; beyond kProblemsMax it only counts.
class Problems {
 public:
  static constexpr std::size_t kProblemsMax = 100;

  // Nodes with source k > 0 come from overrides[k - 1].
  explicit Problems(std::vector<std::string> overrides = {}) : overrides_(std::move(overrides)) {}

  void Add(const YamlNode& at, std::string path, std::string message) {
    AddAt(at.place, at.source, std::move(path), std::move(message));
  }
  void Add(const YamlEntry& at, std::string path, std::string message) {
    AddAt(at.place, at.source, std::move(path), std::move(message));
  }
  void AddAt(TextPlace place, int source, std::string path, std::string message);

  std::size_t count() const { return count_; }
  // In the order of the file, those of overrides last.
  std::vector<SpecProblem> Take();

 private:
  struct Sourced {
    int source = 0;
    SpecProblem problem;
  };

  std::vector<std::string> overrides_;
  std::vector<Sourced> problems_;
  std::size_t count_ = 0;
};

}  // namespace fusor
