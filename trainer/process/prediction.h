#pragma once

// What a classifier takes a picture for, in words: a line of text, of JSON, or lines of CSV.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trainer/process/output_option.h"

namespace fusor {

struct Guess {
  std::int64_t label = 0;
  double probability = 0;
};

// The likeliest classes of one row of logits, best first.
std::vector<Guess> GuessesOf(const at::Tensor& logits, std::int64_t top);

struct Prediction {
  std::string picture;
  std::optional<std::int64_t> label;  // what the file says that it is
  std::vector<std::vector<Guess>> heads;
};

class PredictionWriter {
 public:
  // A class is called by its number where `names` has none for it.
  PredictionWriter(OutputFormat format, std::vector<std::string> heads,
                   std::vector<std::string> names)
      : format_(format), heads_(std::move(heads)), names_(std::move(names)) {}

  // What comes first, and each prediction; with line ends.
  std::string Head() const;
  std::string Lines(const Prediction& prediction) const;

 private:
  std::string NameOf(std::int64_t label) const;
  std::string Table(const Prediction& prediction) const;
  std::string JsonLine(const Prediction& prediction) const;
  std::string Csv(const Prediction& prediction) const;

  OutputFormat format_;
  std::vector<std::string> heads_;
  std::vector<std::string> names_;
};

}  // namespace fusor
