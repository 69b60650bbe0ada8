#include "trainer/process/evaluate_command.h"

#include <ATen/core/grad_mode.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "common/recipe/suggest.h"
#include "common/text/json.h"
#include "trainer/data/pictures.h"
#include "trainer/io/atomic_file.h"
#include "trainer/process/refuse.h"
#include "trainer/process/trained_model.h"
#include "trainer/recipes/classifier.h"
#include "trainer/recipes/classify.h"
#include "trainer/recipes/confusion.h"

namespace fusor {
namespace {

constexpr char kHelp[] =
    "fusor-train evaluate RUN|FILE [KEY=VALUE...]\n"
    "How good a trained model is. RUN is the folder of a run (its best model is taken), FILE one of\n"
    "its model files, or an expert that was saved alone (.pth, .safetensors, also a state dict made\n"
    "elsewhere; then model=NAME and its depth or width say what it is).\n"
    "\n"
    "  split=test         or val, train: the images of the run itself where its folder is there\n"
    "  which=best         or last, of a run's folder\n"
    "  files=DIR          where PART_SPLIT_confusion.csv (a row for each true class) and\n"
    "                     PART_SPLIT_classes.csv go (default: RUN/evaluation)\n"
    "  --json             the numbers as JSON\n"
    "  data_dir=DIR, threads=N, device=cpu|cuda, precision=NAME and the recipe's parameters as in\n"
    "  training\n";

struct Request {
  std::string path;
  Split split = Split::kTest;
  std::string files;
  bool json = false;
  std::vector<const char*> settings;
};

Status ReadSplit(std::string_view text, Split& split) {
  for (const Split each : {Split::kTraining, Split::kValidation, Split::kTest}) {
    if (text != SplitName(each)) continue;
    split = each;
    return Ok();
  }
  return InvalidArgument("split: " + NotOneOf(std::string(text), {"train", "val", "test"}));
}

Result<Request> Parse(std::span<const char* const> arguments) {
  Request request;
  for (const char* argument : arguments) {
    const std::string_view text = argument;
    if (text.starts_with("split=")) {
      RETURN_IF_ERROR(ReadSplit(text.substr(6), request.split));
    } else if (text.starts_with("files=")) {
      request.files = text.substr(6);
    } else if (text == "--json") {
      request.json = true;
    } else if (request.path.empty() && text.find('=') == std::string_view::npos) {
      request.path = text;
    } else {
      request.settings.push_back(argument);
    }
  }
  if (request.path.empty()) return InvalidArgument("evaluate needs a run's folder or a model file");
  return request;
}

// Of one head.
struct Judgement {
  explicit Judgement(int classes) : confusion(classes) {}
  Score score;
  Confusion confusion;
};

class Evaluation {
 public:
  Evaluation(const Request& request, const TrainedModel& trained)
      : request_(request), trained_(trained), split_(SplitName(request.split)) {}

  Status Run(TrainedTask& opened) {
    Classifier* classifier = opened.task().classifier();
    if (classifier == nullptr) return Plain(opened);
    heads_ = classifier->heads();
    judged_.assign(heads_.size(), Judgement(classifier->classes()));
    classifier->ForEachAnswer(
        request_.split, [&](const std::vector<at::Tensor>& logits, const at::Tensor& labels) {
          for (std::size_t head = 0; head < judged_.size(); ++head) {
            judged_[head].score.Add(logits[head], labels);
            judged_[head].confusion.Add(logits[head], labels);
          }
          samples_ += labels.size(0);
        });
    if (samples_ == 0) return NotFound("there is no split '" + split_ + "'");
    RETURN_IF_ERROR(WriteFiles());
    request_.json ? PrintJson() : Print();
    return Ok();
  }

 private:
  // Of what is no classifier: the numbers that training reports.
  Status Plain(TrainedTask& opened) {
    const std::vector<Metric> metrics = opened.task().Evaluate(request_.split, opened.pulse());
    if (metrics.empty()) {
      return NotFound("the recipe " + trained_.job.recipe->name + " has no split '" + split_ + "'");
    }
    JsonWriter json;
    json.BeginObject();
    for (const Metric& metric : metrics) json.Key(metric.name).Float(metric.value);
    json.EndObject();
    if (request_.json) std::printf("%s\n", json.text().c_str());
    if (!request_.json) PrintTitle();
    for (const Metric& metric : metrics) {
      if (!request_.json) std::printf("%-24s %.6g\n", metric.name.c_str(), metric.value);
    }
    return Ok();
  }

  Status WriteFiles() {
    const std::string folder =
        request_.files.empty() ? trained_.folder + "/evaluation" : request_.files;
    const std::vector<std::string> names =
        ReadClassNames(trained_.job.datasets_dir, trained_.job.config.Text("data"));
    for (std::size_t head = 0; head < heads_.size(); ++head) {
      const std::string stem = folder + "/" + heads_[head] + "_" + split_;
      const Confusion& confusion = judged_[head].confusion;
      for (const auto& [path, text] :
           {std::pair(stem + "_confusion.csv", confusion.MatrixCsv(names)),
            std::pair(stem + "_classes.csv", confusion.ClassesCsv(names))}) {
        RETURN_IF_ERROR(WriteFileAtomically(path, text));
        written_.push_back(path);
      }
    }
    return Ok();
  }

  void PrintTitle() const {
    std::printf("%s%s%s\n", trained_.file.c_str(), trained_.step.empty() ? "" : "  step ",
                trained_.step.c_str());
  }

  void Print() const {
    PrintTitle();
    std::printf("%s: %lld samples\n\n%-12s %9s %8s\n", split_.c_str(),
                static_cast<long long>(samples_), "", "accuracy", "loss");
    for (std::size_t head = 0; head < heads_.size(); ++head) {
      const Score& score = judged_[head].score;
      std::printf("%-12s %8.2f%% %8.4f\n", heads_[head].c_str(), 100 * score.accuracy(),
                  score.loss());
    }
    std::printf("\n");
    for (const std::string& path : written_) std::printf("wrote %s\n", path.c_str());
  }

  void PrintJson() const {
    JsonWriter json;
    json.BeginObject().Key("file").Text(trained_.file).Key("split").Text(split_);
    json.Key("samples").Int(samples_).Key("parts").BeginArray();
    for (std::size_t head = 0; head < heads_.size(); ++head) {
      const Score& score = judged_[head].score;
      json.BeginObject().Key("part").Text(heads_[head]).Key("accuracy").Float(score.accuracy());
      json.Key("loss").Float(score.loss()).EndObject();
    }
    json.EndArray().Key("files").BeginArray();
    for (const std::string& path : written_) json.Text(path);
    json.EndArray().EndObject();
    std::printf("%s\n", json.text().c_str());
  }

  const Request& request_;
  const TrainedModel& trained_;
  const std::string split_;
  std::vector<std::string> heads_;
  std::vector<Judgement> judged_;
  std::int64_t samples_ = 0;
  std::vector<std::string> written_;
};

Status Evaluate(const Request& request, const TrainedModel& trained) {
  at::NoGradGuard no_grad;
  TrainedTask opened;
  RETURN_IF_ERROR(opened.Open(trained, /*with_data=*/true));
  return Evaluation(request, trained).Run(opened);
}

}  // namespace

int RunEvaluate(std::span<const char* const> arguments) {
  if (arguments.empty() || std::string_view(arguments[0]) == "--help") {
    std::fputs(kHelp, stdout);
    return 0;
  }
  const auto request = Parse(arguments);
  if (!request.ok()) return Refuse(request.status());
  const auto trained = FindTrained(request->path, request->settings);
  if (!trained.ok()) return Refuse(trained.status());
  return RunCommand([&] { return Evaluate(*request, *trained); });
}

}  // namespace fusor
