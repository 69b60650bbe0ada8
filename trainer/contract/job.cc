#include "trainer/contract/job.h"

#include <nlohmann/json.hpp>

namespace fusor {
namespace {

using nlohmann::json;

// Reads members of one object; the first wrong type is remembered.
class Fields {
 public:
  Fields(const json& object, std::string where) : object_(object), where_(std::move(where)) {}

  const json* Find(const char* name) const {
    auto it = object_.find(name);
    return it == object_.end() || it->is_null() ? nullptr : &*it;
  }

  template <class T>
  void Int(const char* name, T& out) {
    const json* value = Find(name);
    if (value == nullptr) return;
    if (!value->is_number_integer()) return Wrong(name, "an integer");
    out = value->get<T>();
  }

  void Text(const char* name, std::string& out) {
    const json* value = Find(name);
    if (value == nullptr) return;
    if (!value->is_string()) return Wrong(name, "text");
    out = value->get_ref<const std::string&>();
  }

  void Wrong(const std::string& name, const std::string& expected) {
    if (status_.ok()) status_ = InvalidArgument(where_ + ": '" + name + "' must be " + expected);
  }

  void Fail(Status status) {
    if (status_.ok()) status_ = std::move(status);
  }

  const Status& status() const { return status_; }

 private:
  const json& object_;
  std::string where_;
  Status status_;
};

Result<std::vector<JobFile>> ReadFiles(const json& list) {
  std::vector<JobFile> files;
  if (!list.is_array()) return InvalidArgument("job: 'files' must be a list");
  for (const json& item : list) {
    if (!item.is_object()) return InvalidArgument("job: a file must be an object");
    Fields fields(item, "job file");
    JobFile file;
    fields.Text("name", file.name);
    fields.Text("path", file.path);
    if (!fields.status().ok()) return fields.status();
    files.push_back(std::move(file));
  }
  return files;
}

void ReadResume(Fields& job, std::optional<JobResume>& out) {
  const json* value = job.Find("resume");
  if (value == nullptr) return;
  if (!value->is_object()) return job.Wrong("resume", "an object");
  Fields fields(*value, "job resume");
  JobResume resume;
  fields.Int("step", resume.step);
  job.Fail(fields.status());
  auto files = ReadFiles(value->value("files", json::array()));
  if (!files.ok()) return job.Fail(files.status());
  resume.files = std::move(*files);
  out = std::move(resume);
}

void ReadInputs(Fields& job, std::vector<JobInput>& out) {
  const json* value = job.Find("inputs");
  if (value == nullptr) return;
  if (!value->is_array()) return job.Wrong("inputs", "a list");
  for (const json& item : *value) {
    if (!item.is_object()) return job.Wrong("inputs", "a list of objects");
    Fields fields(item, "job input");
    JobInput input;
    fields.Text("trial", input.trial);
    job.Fail(fields.status());
    auto files = ReadFiles(item.value("files", json::array()));
    if (!files.ok()) return job.Fail(files.status());
    input.files = std::move(*files);
    out.push_back(std::move(input));
  }
}

void ReadPlacement(Fields& fields, Job& job) {
  fields.Int("threads", job.threads);
  if (const json* cpus = fields.Find("cpus")) {
    if (!cpus->is_array()) return fields.Wrong("cpus", "a list of integers");
    for (const json& cpu : *cpus) {
      if (!cpu.is_number_integer()) return fields.Wrong("cpus", "a list of integers");
      job.cpus.push_back(cpu.get<int>());
    }
  }
  fields.Text("device", job.device);
  if (job.device != "cpu" && job.device != "cuda") fields.Wrong("device", "cpu or cuda");
  if (job.threads < 1) fields.Wrong("threads", "at least 1");
  if (fields.Find("oom_score_adj") != nullptr)
    fields.Int("oom_score_adj", job.oom_score_adj.emplace());
  if (const json* env = fields.Find("env")) {
    if (!env->is_object()) return fields.Wrong("env", "an object");
    for (const auto& [key, value] : env->items()) {
      if (!value.is_string()) return fields.Wrong("env." + key, "text");
      job.env[key] = value.get_ref<const std::string&>();
    }
  }
}

void ReadCheckpointPolicy(Fields& fields, CheckpointPolicy& policy) {
  const json* value = fields.Find("checkpoint");
  if (value == nullptr) return;
  if (!value->is_object()) return fields.Wrong("checkpoint", "an object");
  Fields inner(*value, "job checkpoint");
  inner.Int("every_steps", policy.every_steps);
  inner.Int("every_ms", policy.every_ms);
  fields.Fail(inner.status());
}

Result<ParamValues> ReadValues(const Recipe& recipe, const json& object) {
  if (!object.is_object()) return InvalidArgument("the configuration must be a JSON object");
  ParamValues values;
  for (const auto& [key, item] : object.items()) {
    const Param* param = recipe.Find(key);
    bool is_float = param != nullptr && param->type == ParamType::kFloat;
    if (item.is_boolean()) {
      values[key] = item.get<bool>();
    } else if (item.is_number_integer() && !is_float) {
      values[key] = item.get<std::int64_t>();
    } else if (item.is_number()) {
      values[key] = item.get<double>();
    } else if (item.is_string() && is_float) {
      const auto& text = item.get_ref<const std::string&>();
      if (text == "nan")
        values[key] = std::numeric_limits<double>::quiet_NaN();
      else if (text == "inf")
        values[key] = std::numeric_limits<double>::infinity();
      else if (text == "-inf")
        values[key] = -std::numeric_limits<double>::infinity();
      else
        values[key] = text;
    } else if (item.is_string()) {
      values[key] = item.get_ref<const std::string&>();
    } else {
      return InvalidArgument("parameter '" + key + "' must be a number, a bool or text");
    }
  }
  return values;
}

Status ReadRecipe(const json& object, Fields& fields, Job& job) {
  std::string name;
  int version = 0;
  fields.Text("recipe", name);
  fields.Int("recipe_version", version);
  RETURN_IF_ERROR(fields.status());
  job.recipe = FindRecipe(name);
  if (job.recipe == nullptr) return InvalidArgument("job: no recipe '" + name + "'");
  if (version != 0 && version != job.recipe->version) {
    return FailedPrecondition("job: recipe " + name + " has version " +
                              std::to_string(job.recipe->version) + " here, the job asks for " +
                              std::to_string(version) +
                              ": agent and coordinator differ in release");
  }
  auto values = ReadValues(*job.recipe, object.value("config", json::object()));
  if (!values.ok()) return values.status();
  std::string precision;
  fields.Text("precision_used", precision);
  if (!precision.empty() && job.recipe->Find("precision") != nullptr) {
    (*values)["precision"] = precision;
  }
  auto config = MakeConfig(*job.recipe, std::move(*values));
  if (!config.ok()) return config.status();
  job.config = std::move(*config);
  return fields.status();
}

}  // namespace

Result<Job> ParseJob(std::string_view text) {
  json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return InvalidArgument("job: not a JSON object");
  Fields fields(object, "job");
  int contract = 0;
  fields.Int("contract", contract);
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
  RETURN_IF_ERROR(ReadRecipe(object, fields, job));
  return job;
}

Result<Config> ParseConfig(const Recipe& recipe, std::string_view text) {
  json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  auto values = ReadValues(recipe, object);
  if (!values.ok()) return values.status();
  return MakeConfig(recipe, std::move(*values));
}

}  // namespace fusor
