#include "trainer/contract/job.h"

#include <limits>
#include <utility>

#include "common/text/json.h"

namespace fusor {
namespace {

// Reads members of one object; the first wrong one is remembered. A missing member leaves the
// default.
class Fields {
 public:
  Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (object.kind != Json::Kind::kObject) Fail(InvalidArgument(where_ + " must be an object"));
  }

  const Json* Find(std::string_view name) const {
    const Json* value = object_.Find(name);
    return value == nullptr || value->kind == Json::Kind::kNull ? nullptr : value;
  }

  template <class T>
  void Int(const char* name, T& out) {
    const Json* value = Find(name);
    if (value == nullptr) return;
    if (value->kind != Json::Kind::kInt || !std::in_range<T>(value->integer)) {
      return Wrong(name, "an integer in range");
    }
    out = static_cast<T>(value->integer);
  }

  void Text(const char* name, std::string& out) {
    const Json* value = Find(name);
    if (value == nullptr) return;
    if (value->kind != Json::Kind::kText) return Wrong(name, "text");
    out = value->text;
  }

  // The items of a list; none when it is missing.
  std::vector<Json> List(const char* name) {
    const Json* value = Find(name);
    if (value == nullptr) return {};
    if (value->kind == Json::Kind::kArray) return value->items;
    Wrong(name, "a list");
    return {};
  }

  void Wrong(const std::string& name, const std::string& expected) {
    Fail(InvalidArgument(where_ + ": '" + name + "' must be " + expected));
  }

  void Fail(Status status) {
    if (status_.ok()) status_ = std::move(status);
  }

  const Status& status() const { return status_; }

 private:
  const Json& object_;
  std::string where_;
  Status status_;
};

std::vector<JobFile> ReadFiles(Fields& owner) {
  std::vector<JobFile> files;
  for (const Json& item : owner.List("files")) {
    Fields fields(item, "job file");
    JobFile file;
    fields.Text("name", file.name);
    fields.Text("path", file.path);
    owner.Fail(fields.status());
    files.push_back(std::move(file));
  }
  return files;
}

void ReadResume(Fields& job, std::optional<JobResume>& out) {
  const Json* value = job.Find("resume");
  if (value == nullptr) return;
  Fields fields(*value, "job resume");
  JobResume resume;
  fields.Int("step", resume.step);
  resume.files = ReadFiles(fields);
  job.Fail(fields.status());
  out = std::move(resume);
}

void ReadInputs(Fields& job, std::vector<JobInput>& out) {
  for (const Json& item : job.List("inputs")) {
    Fields fields(item, "job input");
    JobInput input;
    fields.Text("trial", input.trial);
    input.files = ReadFiles(fields);
    job.Fail(fields.status());
    out.push_back(std::move(input));
  }
}

void ReadPlacement(Fields& fields, Job& job) {
  fields.Int("threads", job.threads);
  for (const Json& cpu : fields.List("cpus")) {
    if (cpu.kind != Json::Kind::kInt || !std::in_range<int>(cpu.integer)) {
      return fields.Wrong("cpus", "a list of integers");
    }
    job.cpus.push_back(static_cast<int>(cpu.integer));
  }
  fields.Text("device", job.device);
  if (job.device != "cpu" && job.device != "cuda") fields.Wrong("device", "cpu or cuda");
  if (job.threads < 1) fields.Wrong("threads", "at least 1");
  if (fields.Find("oom_score_adj") != nullptr) {
    fields.Int("oom_score_adj", job.oom_score_adj.emplace());
  }
  if (const Json* env = fields.Find("env")) {
    if (env->kind != Json::Kind::kObject) return fields.Wrong("env", "an object");
    for (const auto& [key, value] : env->members) {
      if (value.kind != Json::Kind::kText) return fields.Wrong("env." + key, "text");
      job.env[key] = value.text;
    }
  }
}

void ReadCheckpointPolicy(Fields& job, CheckpointPolicy& policy) {
  const Json* value = job.Find("checkpoint");
  if (value == nullptr) return;
  Fields fields(*value, "job checkpoint");
  fields.Int("every_steps", policy.every_steps);
  fields.Int("every_ms", policy.every_ms);
  job.Fail(fields.status());
}

// Floats that are not finite travel as text.
std::optional<double> NonFinite(std::string_view text) {
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

Result<ParamValues> ReadValues(const Recipe& recipe, const Json& object) {
  if (object.kind != Json::Kind::kObject) {
    return InvalidArgument("the configuration must be a JSON object");
  }
  ParamValues values;
  for (const auto& [key, item] : object.members) {
    const Param* param = recipe.Find(key);
    const bool is_float = param != nullptr && param->type == ParamType::kFloat;
    switch (item.kind) {
      case Json::Kind::kBool:
        values[key] = item.flag;
        break;
      case Json::Kind::kInt:
        values[key] = item.integer;
        break;
      case Json::Kind::kFloat:
        values[key] = item.real;
        break;
      case Json::Kind::kText: {
        auto number = is_float ? NonFinite(item.text) : std::nullopt;
        values[key] = number ? Value(*number) : Value(item.text);
        break;
      }
      default:
        return InvalidArgument("parameter '" + key + "' must be a number, a bool or text");
    }
  }
  return values;
}

Status ReadRecipe(const Json& object, Fields& fields, Job& job) {
  std::string name;
  int version = 0;
  std::string precision;
  fields.Text("recipe", name);
  fields.Int("recipe_version", version);
  fields.Text("precision_used", precision);
  RETURN_IF_ERROR(fields.status());
  job.recipe = FindRecipe(name);
  if (job.recipe == nullptr) return InvalidArgument("job: no recipe '" + name + "'");
  if (version != 0 && version != job.recipe->version) {
    return FailedPrecondition("job: recipe " + name + " has version " +
                              std::to_string(job.recipe->version) + " here, the job asks for " +
                              std::to_string(version) + ": the releases differ");
  }
  ParamValues given;
  if (const Json* config = object.Find("config")) {
    auto values = ReadValues(*job.recipe, *config);
    if (!values.ok()) return values.status();
    given = std::move(*values);
  }
  if (!precision.empty() && job.recipe->Find("precision") != nullptr) {
    given["precision"] = precision;
  }
  auto config = MakeConfig(*job.recipe, std::move(given));
  if (!config.ok()) return config.status();
  job.config = std::move(*config);
  return Ok();
}

}  // namespace

Result<Job> ParseJob(std::string_view text) {
  auto object = ParseJson(text);
  if (!object.ok()) return InvalidArgument("job: " + object.status().message());
  Fields fields(*object, "job");
  int contract = 0;
  fields.Int("contract", contract);
  RETURN_IF_ERROR(fields.status());
  if (contract != 1) return InvalidArgument("job: this program keeps contract 1 only");
  Job job;
  fields.Int("attempt", job.attempt);
  fields.Text("trial", job.trial);
  fields.Int("number", job.number);
  fields.Text("name", job.name);
  fields.Text("datasets_dir", job.datasets_dir);
  fields.Int("rank", job.rank);
  fields.Int("world", job.world);
  ReadPlacement(fields, job);
  ReadCheckpointPolicy(fields, job.checkpoint);
  ReadResume(fields, job.resume);
  ReadInputs(fields, job.inputs);
  RETURN_IF_ERROR(fields.status());
  RETURN_IF_ERROR(ReadRecipe(*object, fields, job));
  return job;
}

Result<ParamValues> ParseParams(const Recipe& recipe, std::string_view text) {
  auto object = ParseJson(text);
  if (!object.ok()) return object.status();
  return ReadValues(recipe, *object);
}

}  // namespace fusor
