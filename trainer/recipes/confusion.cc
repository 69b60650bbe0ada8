#include "trainer/recipes/confusion.h"

#include <cstdio>
#include <numeric>

namespace fusor {

Confusion::Confusion(int classes)
    : classes_(static_cast<std::size_t>(classes)), counts_(classes_ * classes_) {}

void Confusion::Add(const at::Tensor& logits, const at::Tensor& labels) {
  const at::Tensor predicted = logits.argmax(1).to(at::kCPU).contiguous();
  const at::Tensor expected = labels.to(at::kCPU).contiguous();
  const auto* from = expected.const_data_ptr<std::int64_t>();
  const auto* to = predicted.const_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < expected.numel(); ++i) {
    ++counts_[static_cast<std::size_t>(from[i]) * classes_ + static_cast<std::size_t>(to[i])];
  }
}

std::int64_t Confusion::Count(std::size_t label) const {
  const auto row = counts_.begin() + static_cast<std::ptrdiff_t>(label * classes_);
  return std::accumulate(row, row + static_cast<std::ptrdiff_t>(classes_), std::int64_t{0});
}

std::string Confusion::NameOf(std::size_t label, const std::vector<std::string>& names) const {
  return names.size() == classes_ ? names[label] : std::to_string(label);
}

std::string Confusion::MatrixCsv(const std::vector<std::string>& names) const {
  std::string csv = "true";
  for (std::size_t c = 0; c < classes_; ++c) csv += "," + NameOf(c, names);
  csv += '\n';
  for (std::size_t label = 0; label < classes_; ++label) {
    csv += NameOf(label, names);
    for (std::size_t c = 0; c < classes_; ++c) csv += "," + std::to_string(At(label, c));
    csv += '\n';
  }
  return csv;
}

std::string Confusion::ClassesCsv(const std::vector<std::string>& names) const {
  std::string csv = "class,name,count,right,accuracy\n";
  for (std::size_t label = 0; label < classes_; ++label) {
    const std::int64_t count = Count(label);
    char accuracy[32] = "";  // of a class without samples there is none
    if (count > 0) {
      std::snprintf(accuracy, sizeof accuracy, "%.6g",
                    static_cast<double>(Right(label)) / static_cast<double>(count));
    }
    csv += std::to_string(label) + "," + NameOf(label, names) + "," + std::to_string(count) + "," +
           std::to_string(Right(label)) + "," + accuracy + "\n";
  }
  return csv;
}

}  // namespace fusor
