#include "trainer/process/prediction.h"

#include <ATen/ops/softmax.h>
#include <ATen/ops/topk.h>

#include <cstdio>

#include "common/text/json.h"

namespace fusor {
namespace {

std::string Format(const char* format, double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, format, value);
  return buffer;
}

}  // namespace

std::vector<Guess> GuessesOf(const at::Tensor& logits, std::int64_t top) {
  const at::Tensor shares = at::softmax(logits.to(at::kCPU, at::kDouble), 0);
  const auto [values, labels] = at::topk(shares, top);
  std::vector<Guess> guesses;
  for (std::int64_t i = 0; i < top; ++i) {
    guesses.push_back({labels[i].item<std::int64_t>(), values[i].item<double>()});
  }
  return guesses;
}

std::string PredictionWriter::Head() const {
  if (format_ != OutputFormat::kCsv) return "";
  return "picture,label,head,rank,class,name,probability\n";
}

std::string PredictionWriter::Lines(const Prediction& prediction) const {
  if (format_ == OutputFormat::kJson) return JsonLine(prediction);
  return format_ == OutputFormat::kCsv ? Csv(prediction) : Table(prediction);
}

std::string PredictionWriter::NameOf(std::int64_t label) const {
  const auto index = static_cast<std::size_t>(label);
  return index < names_.size() ? names_[index] : std::to_string(label);
}

std::string PredictionWriter::Table(const Prediction& prediction) const {
  std::string text = prediction.picture;
  if (prediction.label) text += "  (" + NameOf(*prediction.label) + ")";
  for (std::size_t head = 0; head < prediction.heads.size(); ++head) {
    if (prediction.heads.size() > 1) text += "\n  " + heads_[head] + ":";
    for (const Guess& guess : prediction.heads[head]) {
      text += "  " + NameOf(guess.label) + Format(" %.1f%%", 100 * guess.probability);
    }
  }
  return text + "\n";
}

std::string PredictionWriter::JsonLine(const Prediction& prediction) const {
  JsonWriter json;
  json.BeginObject().Key("picture").Text(prediction.picture);
  if (prediction.label) {
    json.Key("label").Int(*prediction.label).Key("label_name").Text(NameOf(*prediction.label));
  }
  json.Key("heads").BeginObject();
  for (std::size_t head = 0; head < prediction.heads.size(); ++head) {
    json.Key(heads_[head]).BeginArray();
    for (const Guess& guess : prediction.heads[head]) {
      json.BeginObject().Key("class").Int(guess.label).Key("name").Text(NameOf(guess.label));
      json.Key("probability").Float(guess.probability).EndObject();
    }
    json.EndArray();
  }
  return json.EndObject().EndObject().Take() + "\n";
}

std::string PredictionWriter::Csv(const Prediction& prediction) const {
  const std::string label = prediction.label ? std::to_string(*prediction.label) : "";
  std::string text;
  for (std::size_t head = 0; head < prediction.heads.size(); ++head) {
    int rank = 1;
    for (const Guess& guess : prediction.heads[head]) {
      text += CsvField(prediction.picture) + "," + label + "," + heads_[head] + "," +
              std::to_string(rank++) + "," + std::to_string(guess.label) + "," +
              CsvField(NameOf(guess.label)) + "," + Format("%.6g", guess.probability) + "\n";
    }
  }
  return text;
}

}  // namespace fusor
