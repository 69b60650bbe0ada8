#include "trainer/process/predict_command.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trainer/data/loader.h"
#include "trainer/data/pictures.h"
#include "trainer/process/prediction.h"
#include "trainer/process/refuse.h"
#include "trainer/process/trained_model.h"
#include "trainer/recipes/classifier.h"

namespace fusor {
namespace {

constexpr std::size_t kBatch = 256;
constexpr char kHelp[] =
    "fusor-train predict PATH PICTURE...  [KEY=VALUE...] [-o table|json|csv]\n"
    "fusor-train predict PATH --range A:B [KEY=VALUE...] [-o table|json|csv]\n"
    "What a trained model takes pictures for, with probabilities. PATH as for evaluate. A PICTURE\n"
    "is FILE.ppm (binary, 32x32) or records of a CIFAR file, FILE.bin or FILE.bin:7; without one,\n"
    "the pictures are those of the data's own test images. What a file says a picture is stands\n"
    "beside the answer.\n"
    "\n"
    "  --range A:B        records A up to but not including B, counted from 0\n"
    "  top=5              how many classes are named\n"
    "  heads=all          of a fusion the answers of its experts too\n"
    "  data_dir=DIR       where data and class names are found (default: FUSOR_DATA)\n"
    "  which=best|last, threads=N, device=cpu|cuda, precision=NAME\n";

struct Request {
  std::string path;
  std::vector<std::string> pictures;
  std::optional<RecordRange> range;
  std::int64_t top = 5;
  bool all_heads = false;
  OutputFormat format = OutputFormat::kTable;
  std::vector<const char*> settings;
};

Status ReadTop(std::string_view text, std::int64_t& top) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), top);
  if (error == std::errc() && end == text.data() + text.size() && top >= 1) return Ok();
  return InvalidArgument("top must be a number from 1");
}

Status ReadArgument(std::string_view text, Request& request) {
  if (text.starts_with("top=")) return ReadTop(text.substr(4), request.top);
  if (text == "heads=all") {
    request.all_heads = true;
  } else if (text.find('=') != std::string_view::npos) {
    request.settings.push_back(text.data());
  } else if (request.path.empty()) {
    request.path = text;
  } else {
    request.pictures.emplace_back(text);
  }
  return Ok();
}

Result<Request> Parse(std::span<const char* const> arguments) {
  Request request;
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    const auto output = ReadOutput(arguments, at, request.format);
    if (!output.ok()) return output.status();
    if (*output) continue;
    if (std::string_view(arguments[at]) == "--range") {
      const auto range = ParseRecordRange(at + 1 < arguments.size() ? arguments[++at] : "");
      if (!range.ok()) return InvalidArgument("--range: " + range.status().message());
      request.range = *range;
    } else {
      RETURN_IF_ERROR(ReadArgument(arguments[at], request));
    }
  }
  if (request.path.empty()) return InvalidArgument("predict needs a run's folder or a model file");
  if (request.pictures.empty() && !request.range) {
    return InvalidArgument("predict needs pictures, or --range A:B of the test images");
  }
  return request;
}

// All that cannot be read is named at once.
Result<std::vector<Picture>> ReadAll(const Request& request, const std::string& data) {
  std::string problems;
  std::vector<Picture> pictures;
  const RecordOptions options{data == "cifar100" ? 2U : 1U, request.range};
  for (const std::string& what : request.pictures) {
    auto read = ReadPictures(what, options);
    if (!read.ok()) {
      problems += (problems.empty() ? "" : "\n") + read.status().message();
      continue;
    }
    std::move(read->begin(), read->end(), std::back_inserter(pictures));
  }
  if (!problems.empty()) return InvalidArgument(problems);
  return pictures;
}

at::Tensor BatchOf(std::span<const Picture> pictures, const Normaliser& normaliser) {
  ImageSet set;
  std::vector<std::uint32_t> indices;
  for (const Picture& picture : pictures) {
    indices.push_back(static_cast<std::uint32_t>(set.size()));
    set.pixels.push_back(picture.pixels.data());
    set.labels.push_back(0);
  }
  return PlainBatch(set, normaliser, indices).images;
}

class Predictor {
 public:
  Predictor(const Request& request, const TrainedModel& trained, Classifier& classifier)
      : top_(std::min<std::int64_t>(request.top, classifier.classes())),
        classifier_(classifier),
        heads_(request.all_heads ? classifier.heads().size() : 1),
        writer_(request.format, classifier.heads(),
                ReadClassNames(trained.job.datasets_dir, trained.job.config.Text("data"))) {
    std::fputs(writer_.Head().c_str(), stdout);
  }

  void OfPictures(std::span<const Picture> pictures, const Normaliser& normaliser,
                  const Device& device) {
    for (std::size_t first = 0; first < pictures.size(); first += kBatch) {
      const auto part = pictures.subspan(first, std::min(kBatch, pictures.size() - first));
      const auto logits = classifier_.Answer(device.Bring(BatchOf(part, normaliser)));
      for (std::size_t i = 0; i < part.size(); ++i) {
        Tell(part[i].name, part[i].label, logits, static_cast<std::int64_t>(i));
      }
    }
  }

  Status OfTestImages(const RecordRange& range) {
    std::size_t next = range.first;
    classifier_.ForEachAnswer(Split::kTest, {range.first, range.end},
                              [&](const std::vector<at::Tensor>& logits, const at::Tensor& labels) {
                                for (std::int64_t i = 0; i < labels.size(0); ++i) {
                                  Tell("test:" + std::to_string(next++),
                                       labels[i].item<std::int64_t>(), logits, i);
                                }
                              });
    if (next == range.end) return Ok();
    return InvalidArgument("the test images end before " + std::to_string(range.end));
  }

 private:
  void Tell(const std::string& picture, std::optional<std::int64_t> label,
            const std::vector<at::Tensor>& logits, std::int64_t row) const {
    Prediction prediction{picture, label, {}};
    for (std::size_t head = 0; head < heads_; ++head) {
      prediction.heads.push_back(GuessesOf(logits[head][row], top_));
    }
    std::fputs(writer_.Lines(prediction).c_str(), stdout);
  }

  const std::int64_t top_;
  Classifier& classifier_;
  const std::size_t heads_;
  const PredictionWriter writer_;
};

Status Predict(const Request& request, const TrainedModel& trained) {
  at::NoGradGuard no_grad;
  const bool of_data = request.pictures.empty();
  const std::string data =
      trained.job.config.Has("data") ? trained.job.config.Text("data") : std::string();
  const auto pictures = ReadAll(request, data);
  if (!pictures.ok()) return pictures.status();
  TrainedTask opened;
  // A file that does not say how its inputs were normalised needs the data for it.
  RETURN_IF_ERROR(opened.Open(trained, /*with_data=*/of_data || trained.job.pixels.empty()));
  Classifier* classifier = opened.task().classifier();
  if (classifier == nullptr) {
    return InvalidArgument(trained.file + ": a model of " + trained.job.recipe->name +
                           " takes no pictures");
  }
  Predictor predictor(request, trained, *classifier);
  if (of_data) return predictor.OfTestImages(*request.range);
  const auto normaliser = Normaliser::FromText(
      trained.job.pixels.empty() ? opened.task().ModelInfo()["fusor.pixels"] : trained.job.pixels);
  if (!normaliser.ok()) return normaliser.status();
  predictor.OfPictures(*pictures, *normaliser, opened.device());
  return Ok();
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
