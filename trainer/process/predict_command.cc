#include "trainer/process/predict_command.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/topk.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/text/json.h"
#include "trainer/data/loader.h"
#include "trainer/data/pictures.h"
#include "trainer/process/refuse.h"
#include "trainer/process/trained_model.h"
#include "trainer/recipes/classifier.h"

namespace fusor {
namespace {

constexpr std::size_t kBatch = 256;
constexpr char kHelp[] =
    "fusor-train predict RUN|FILE PICTURE... [KEY=VALUE...]\n"
    "What a trained model takes pictures for, with probabilities. RUN or FILE as for evaluate.\n"
    "A PICTURE is FILE.ppm of 32x32, or records of a CIFAR file: FILE.bin, FILE.bin:7 or\n"
    "FILE.bin:0-9; what their label says stands beside the answer.\n"
    "\n"
    "  top=5              how many classes are named\n"
    "  heads=all          of a fusion the answers of its experts too\n"
    "  --json             as JSON, one line a picture\n"
    "  data_dir=DIR       where class names are found (default: FUSOR_DATA)\n"
    "  which=best|last, threads=N, device=cpu|cuda, precision=NAME\n";

struct Request {
  std::string path;
  std::vector<std::string> pictures;
  std::int64_t top = 5;
  bool all_heads = false;
  bool json = false;
  std::vector<const char*> settings;
};

Status ReadTop(std::string_view text, std::int64_t& top) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), top);
  if (error == std::errc() && end == text.data() + text.size() && top >= 1) return Ok();
  return InvalidArgument("top must be a number from 1");
}

Result<Request> Parse(std::span<const char* const> arguments) {
  Request request;
  for (const char* argument : arguments) {
    const std::string_view text = argument;
    if (text.starts_with("top=")) {
      RETURN_IF_ERROR(ReadTop(text.substr(4), request.top));
    } else if (text == "heads=all") {
      request.all_heads = true;
    } else if (text == "--json") {
      request.json = true;
    } else if (text.find('=') != std::string_view::npos) {
      request.settings.push_back(argument);
    } else if (request.path.empty()) {
      request.path = text;
    } else {
      request.pictures.emplace_back(text);
    }
  }
  if (request.path.empty() || request.pictures.empty()) {
    return InvalidArgument("predict needs a model and at least one picture");
  }
  return request;
}

class Prediction {
 public:
  Prediction(const Request& request, const TrainedModel& trained)
      : request_(request),
        data_(trained.job.config.Has("data") ? trained.job.config.Text("data") : ""),
        names_(ReadClassNames(trained.job.datasets_dir, data_)) {}

  // All that cannot be read is named at once.
  Status ReadAll() {
    std::string problems;
    for (const std::string& what : request_.pictures) {
      auto read = ReadPictures(what, data_ == "cifar100" ? 2 : 1);
      if (!read.ok()) {
        problems += (problems.empty() ? "" : "\n") + read.status().message();
        continue;
      }
      std::move(read->begin(), read->end(), std::back_inserter(pictures_));
    }
    return problems.empty() ? Ok() : InvalidArgument(problems);
  }

  Status Answer(TrainedTask& opened, const Normaliser& normaliser) {
    Classifier& classifier = *opened.task().classifier();
    top_ = std::min<std::int64_t>(request_.top, classifier.classes());
    heads_ = classifier.heads();
    if (!request_.all_heads) heads_.resize(1);
    for (std::size_t first = 0; first < pictures_.size(); first += kBatch) {
      const std::size_t count = std::min(kBatch, pictures_.size() - first);
      const at::Tensor batch = BatchOf(first, count, normaliser);
      const std::vector<at::Tensor> logits = classifier.Answer(opened.device().Bring(batch));
      for (std::size_t i = 0; i < count; ++i) {
        Tell(pictures_[first + i], logits, static_cast<std::int64_t>(i));
      }
    }
    return Ok();
  }

 private:
  struct Guess {
    std::int64_t label = 0;
    double probability = 0;
  };

  at::Tensor BatchOf(std::size_t first, std::size_t count, const Normaliser& normaliser) {
    ImageSet set;
    std::vector<std::uint32_t> indices;
    for (std::size_t i = 0; i < count; ++i) {
      set.pixels.push_back(pictures_[first + i].pixels.data());
      set.labels.push_back(0);
      indices.push_back(static_cast<std::uint32_t>(i));
    }
    return PlainBatch(set, normaliser, indices).images;
  }

  std::vector<Guess> GuessesOf(const at::Tensor& logits) const {
    const at::Tensor shares = at::softmax(logits.to(at::kCPU, at::kDouble), 0);
    const auto [values, labels] = at::topk(shares, top_);
    std::vector<Guess> guesses;
    for (std::int64_t i = 0; i < top_; ++i) {
      guesses.push_back({labels[i].item<std::int64_t>(), values[i].item<double>()});
    }
    return guesses;
  }

  std::string NameOf(std::int64_t label) const {
    const auto index = static_cast<std::size_t>(label);
    return index < names_.size() ? names_[index] : std::to_string(label);
  }

  void Tell(const Picture& picture, const std::vector<at::Tensor>& logits, std::int64_t row) {
    JsonWriter json;
    json.BeginObject().Key("picture").Text(picture.name);
    if (picture.label) json.Key("label").Int(*picture.label);
    json.Key("answers").BeginObject();
    std::string text = picture.name + (picture.label ? "  (" + NameOf(*picture.label) + ")" : "");
    for (std::size_t head = 0; head < heads_.size(); ++head) {
      json.Key(heads_[head]).BeginArray();
      text += heads_.size() > 1 ? "\n  " + heads_[head] + ":" : "";
      for (const Guess& guess : GuessesOf(logits[head][row])) {
        json.BeginObject().Key("class").Int(guess.label).Key("name").Text(NameOf(guess.label));
        json.Key("probability").Float(guess.probability).EndObject();
        char share[32];
        std::snprintf(share, sizeof share, " %.1f%%", 100 * guess.probability);
        text += "  " + NameOf(guess.label) + share;
      }
      json.EndArray();
    }
    json.EndObject().EndObject();
    std::printf("%s\n", request_.json ? json.text().c_str() : text.c_str());
  }

  const Request& request_;
  const std::string data_;
  const std::vector<std::string> names_;
  std::vector<Picture> pictures_;
  std::int64_t top_ = 1;
  std::vector<std::string> heads_;
};

Status Predict(const Request& request, const TrainedModel& trained) {
  at::NoGradGuard no_grad;
  Prediction prediction(request, trained);
  RETURN_IF_ERROR(prediction.ReadAll());
  TrainedTask opened;
  // A file that does not say how its inputs were normalised needs the data for it.
  RETURN_IF_ERROR(opened.Open(trained, /*with_data=*/trained.pixels.empty()));
  if (opened.task().classifier() == nullptr) {
    return InvalidArgument(trained.file + ": a model of " + trained.job.recipe->name +
                           " takes no pictures");
  }
  const std::string pixels =
      trained.pixels.empty() ? opened.task().ModelInfo()["fusor.pixels"] : trained.pixels;
  const auto normaliser = Normaliser::FromText(pixels);
  if (!normaliser.ok()) return normaliser.status();
  return prediction.Answer(opened, *normaliser);
}

}  // namespace

int RunPredict(std::span<const char* const> arguments) {
  if (arguments.empty() || std::string_view(arguments[0]) == "--help") {
    std::fputs(kHelp, stdout);
    return 0;
  }
  const auto request = Parse(arguments);
  if (!request.ok()) return Refuse(request.status());
  const auto trained = FindTrained(request->path, request->settings);
  if (!trained.ok()) return Refuse(trained.status());
  return RunCommand([&] { return Predict(*request, *trained); });
}

}  // namespace fusor
