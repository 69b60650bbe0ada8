#include "trainer/process/evaluate_command.h"

#include <ATen/core/grad_mode.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "common/recipe/suggest.h"
#include "common/text/json.h"
#include "trainer/process/evaluation.h"
#include "trainer/process/output_option.h"
#include "trainer/process/refuse.h"
#include "trainer/process/trained_model.h"

namespace fusor {
namespace {

constexpr char kHelp[] =
    "fusor-train evaluate PATH [KEY=VALUE...] [-o table|json|csv]\n"
    "How good a trained model is. PATH is the folder of a run (its best model is taken) or of a\n"
    "checkpoint, a model file of a run, or a part that was saved alone (.pth or .safetensors, "
    "also\n"
    "a state dict that Python saved). Recipe and parameters are those of the run that PATH lies\n"
    "in; of a file that lies in none and does not say how it was made, model=, data= and what\n"
    "differs from the defaults must be given (recipe=expert unless said otherwise).\n"
    "\n"
    "  split=test         or val, train: the run's own images where its folder has splits/\n"
    "  which=best         or last, of a run's folder\n"
    "  out=DIR            where the confusion matrix ({split}_confusion.csv, a row for each true\n"
    "                     class) and {split}_per_class.csv go, for a fusion and each of its\n"
    "                     experts (default: RUN/evaluation)\n"
    "  data_dir=DIR, threads=N, device=cpu|cuda, precision=NAME and the recipe's parameters as in\n"
    "  training\n";

struct Request {
  std::string path;
  Split split = Split::kTest;
  std::string out;
  OutputFormat format = OutputFormat::kTable;
  std::vector<const char*> settings;
};

Status ReadSplit(std::string_view text, Split& split) {
  for (const Split each : {Split::kTraining, Split::kValidation, Split::kTest}) {
    if (text != SplitName(each)) continue;
    split = each;
    return Ok();
  }
  return InvalidArgument("split: " + NotOneOf(text, {"train", "val", "test"}));
}

Result<Request> Parse(std::span<const char* const> arguments) {
  Request request;
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    const std::string_view text = arguments[at];
    const auto output = ReadOutput(arguments, at, request.format);
    if (!output.ok()) return output.status();
    if (*output) continue;
    if (text.starts_with("split=")) {
      RETURN_IF_ERROR(ReadSplit(text.substr(6), request.split));
    } else if (text.starts_with("out=")) {
      request.out = text.substr(4);
    } else if (request.path.empty() && text.find('=') == std::string_view::npos) {
      request.path = text;
    } else {
      request.settings.push_back(arguments[at]);
    }
  }
  if (request.path.empty()) return InvalidArgument("evaluate needs a run's folder or a model file");
  return request;
}

void PrintTable(const TrainedModel& trained, const Evaluation& evaluation, Split split) {
  std::printf("%s%s%s\n", trained.file.c_str(), trained.step.empty() ? "" : "  step ",
              trained.step.c_str());
  for (const Metric& metric : evaluation.metrics) {
    std::printf("%-24s %.6g\n", metric.name.c_str(), metric.value);
  }
  if (evaluation.heads.empty()) return;
  std::printf("%s: %lld samples\n\n%-12s %9s %8s\n", std::string(SplitName(split)).c_str(),
              static_cast<long long>(evaluation.samples), "", "accuracy", "loss");
  for (const Judgement& head : evaluation.heads) {
    std::printf("%-12s %8.2f%% %8.4f\n", head.head.c_str(), 100 * head.score.accuracy(),
                head.score.loss());
  }
}

void WriteClasses(const Evaluation& evaluation, const Confusion& confusion, JsonWriter& json) {
  json.Key("classes").BeginArray();
  for (std::size_t label = 0; label < confusion.classes(); ++label) {
    const std::int64_t count = confusion.Count(label);
    json.BeginObject().Key("class").Int(static_cast<std::int64_t>(label));
    json.Key("name").Text(confusion.NameOf(label, evaluation.class_names));
    json.Key("count").Int(count).Key("right").Int(confusion.Right(label)).Key("accuracy");
    if (count == 0) json.Null();
    if (count > 0) {
      json.Float(static_cast<double>(confusion.Right(label)) / static_cast<double>(count));
    }
    json.EndObject();
  }
  json.EndArray();
}

void PrintJson(const TrainedModel& trained, const Evaluation& evaluation, Split split,
               const std::vector<std::string>& written) {
  JsonWriter json;
  json.BeginObject().Key("file").Text(trained.file);
  json.Key("recipe").Text(trained.job.recipe->name).Key("split").Text(SplitName(split));
  json.Key("metrics").BeginObject();
  for (const Metric& metric : evaluation.metrics) json.Key(metric.name).Float(metric.value);
  json.EndObject().Key("samples").Int(evaluation.samples).Key("heads").BeginArray();
  for (const Judgement& head : evaluation.heads) {
    json.BeginObject().Key("head").Text(head.head);
    json.Key("accuracy").Float(head.score.accuracy()).Key("loss").Float(head.score.loss());
    WriteClasses(evaluation, head.confusion, json);
    json.EndObject();
  }
  json.EndArray().Key("files").BeginArray();
  for (const std::string& path : written) json.Text(path);
  json.EndArray().EndObject();
  std::printf("%s\n", json.text().c_str());
}

void PrintCsv(const Evaluation& evaluation, Split split) {
  const std::string name(SplitName(split));
  if (!evaluation.metrics.empty()) std::printf("metric,value\n");
  for (const Metric& metric : evaluation.metrics) {
    std::printf("%s,%.6g\n", metric.name.c_str(), metric.value);
  }
  if (!evaluation.heads.empty()) std::printf("head,split,samples,accuracy,loss\n");
  for (const Judgement& head : evaluation.heads) {
    std::printf("%s,%s,%lld,%.6g,%.6g\n", head.head.c_str(), name.c_str(),
                static_cast<long long>(evaluation.samples), head.score.accuracy(),
                head.score.loss());
  }
}

Status Evaluate(const Request& request, const TrainedModel& trained) {
  at::NoGradGuard no_grad;
  TrainedTask opened;
  RETURN_IF_ERROR(opened.Open(trained, /*with_data=*/true));
  const auto evaluation = EvaluateSplit(trained, opened, request.split);
  if (!evaluation.ok()) return evaluation.status();
  const std::string folder = request.out.empty() ? trained.folder + "/evaluation" : request.out;
  const auto written = WriteEvaluation(*evaluation, request.split, folder);
  if (!written.ok()) return written.status();
  if (request.format == OutputFormat::kJson) {
    PrintJson(trained, *evaluation, request.split, *written);
  } else if (request.format == OutputFormat::kCsv) {
    PrintCsv(*evaluation, request.split);
  } else {
    PrintTable(trained, *evaluation, request.split);
    if (!written->empty()) {
      std::printf("\nwrote %zu files to %s\n", written->size(), folder.c_str());
    }
  }
  return Ok();
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
