#pragma once

// What a classifier took for what.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace fusor {

class Confusion {
 public:
  explicit Confusion(int classes);

  void Add(const at::Tensor& logits, const at::Tensor& labels);

  std::int64_t At(std::size_t label, std::size_t predicted) const {
    return counts_[label * classes_ + predicted];
  }
  // Of a class: how many there are, and how many of them were told right.
  std::int64_t Count(std::size_t label) const;
  std::int64_t Right(std::size_t label) const { return At(label, label); }

  std::size_t classes() const { return classes_; }
  // Its number where `names` has not as many as there are classes.
  std::string NameOf(std::size_t label, const std::vector<std::string>& names) const;

  // Both with a row for each class.
  std::string MatrixCsv(const std::vector<std::string>& names) const;
  std::string ClassesCsv(const std::vector<std::string>& names) const;

 private:
  std::size_t classes_;
  std::vector<std::int64_t> counts_;  // row by row: a row is a true class
};

}  // namespace fusor
