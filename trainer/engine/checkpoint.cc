#include "trainer/engine/checkpoint.h"

#include <charconv>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "trainer/io/safetensors.h"

namespace fusor {
namespace {

using Metadata = std::map<std::string, std::string>;

// Shortest form that reads back as the same double.
std::string Exact(double value) {
  char buffer[32];
  return std::string(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

std::string ExactList(const std::vector<double>& values) {
  std::string text;
  for (const double value : values) text += Exact(value) + " ";
  return text;
}

// Names of metrics have no blanks.
std::string NameList(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += name + " ";
  return text;
}

// Reads members of the metadata; the first that is missing or malformed is remembered.
class Reader {
 public:
  Reader(const std::string& path, const Metadata& metadata) : path_(path), metadata_(metadata) {}

  template <class T>
  void Number(const char* name, T& out) {
    auto it = metadata_.find(name);
    if (it == metadata_.end()) return Fail(std::string("has no '") + name + "'");
    const std::string& text = it->second;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc() || end != text.data() + text.size()) {
      Fail(std::string("'") + name + "' is no number: " + text);
    }
  }

  // Each followed by a blank.
  void Numbers(const char* name, std::vector<double>& out) {
    const std::string text = Text(name);
    const char* at = text.data();
    const char* end = at + text.size();
    while (at != end) {
      double number = 0;
      auto [next, error] = std::from_chars(at, end, number);
      if (error != std::errc() || next == end) {
        return Fail(std::string("'") + name + "' is no list of numbers: " + text);
      }
      out.push_back(number);
      at = next + 1;
    }
  }

  void Names(const char* name, std::vector<std::string>& out) {
    std::istringstream text(Text(name));
    for (std::string one; text >> one;) out.push_back(one);
  }

  std::string Text(const char* name) {
    auto it = metadata_.find(name);
    if (it != metadata_.end()) return it->second;
    Fail(std::string("has no '") + name + "'");
    return "";
  }

  const Status& status() const { return status_; }

 private:
  void Fail(const std::string& what) {
    if (status_.ok()) status_ = DataLoss(path_ + ": " + what);
  }

  const std::string& path_;
  const Metadata& metadata_;
  Status status_;
};

std::vector<NamedTensor> ModelTensors(const ParameterSet& parameters, const std::string& prefix) {
  std::vector<NamedTensor> tensors;
  for (const Parameter& p : parameters.trained) tensors.push_back({prefix + p.name, p.value});
  for (const Buffer& b : parameters.buffers) tensors.push_back({prefix + b.name, b.value});
  return tensors;
}

std::vector<NamedTensor> AllTensors(const ParameterSet& parameters, const Optimizer& optimizer) {
  std::vector<NamedTensor> tensors = ModelTensors(parameters, "model.");
  for (const NamedTensor& named : optimizer.state()) {
    tensors.push_back({"optimizer." + named.name, named.tensor});
  }
  return tensors;
}

}  // namespace

Status SaveCheckpoint(const std::string& path, const RunIdentity& identity,
                      const Position& position, const ParameterSet& parameters,
                      const Optimizer& optimizer) {
  Metadata metadata = {
      {"format", "fusor.checkpoint.5"},
      {"config", identity.config},
      {"numerics", identity.numerics},
      {"step", std::to_string(position.step)},
      {"evaluated_step", std::to_string(position.evaluated_step)},
      {"applied", std::to_string(position.applied)},
      {"loss_sum", Exact(position.averages.loss)},
      {"value_names", NameList(position.averages.names)},
      {"value_sums", ExactList(position.averages.values)},
      {"averaged_steps", std::to_string(position.averages.steps)},
      {"last_value", Exact(position.last_value)},
      {"best_value", Exact(position.best_value)},
      {"best_step", std::to_string(position.best_step)},
      {"loss_scale", Exact(position.loss_scaler.scale)},
      {"loss_scale_good_steps", std::to_string(position.loss_scaler.good_steps)},
      {"loss_scale_overflows_left", std::to_string(position.loss_scaler.overflows_left)},
      {"full_precision", position.precision.full ? "1" : "0"},
      {"precision_losses", ExactList(position.precision.losses)},
      {"early_stop_best", Exact(position.early_stop.best)},
      {"early_stop_best_step", std::to_string(position.early_stop.best_step)},
      {"early_stop_stale", std::to_string(position.early_stop.stale)},
  };
  return WriteSafetensors(path, AllTensors(parameters, optimizer), metadata);
}

Result<Resumed> LoadCheckpoint(const std::string& path, const RunIdentity& identity,
                               ParameterSet& parameters, Optimizer& optimizer) {
  auto file = SafetensorsFile::Open(path);
  if (!file.ok()) return file.status();
  Reader reader(path, file->header().metadata);
  if (reader.Text("format") != "fusor.checkpoint.5") {
    return DataLoss(path + ": not a checkpoint of this program");
  }
  if (reader.Text("config") != identity.config) {
    return FailedPrecondition(path +
                              ": belongs to another configuration: " + reader.Text("config"));
  }
  Resumed resumed;
  resumed.bit_exact = reader.Text("numerics") == identity.numerics;
  Position& position = resumed.position;
  reader.Number("step", position.step);
  reader.Number("evaluated_step", position.evaluated_step);
  reader.Number("applied", position.applied);
  reader.Number("loss_sum", position.averages.loss);
  reader.Names("value_names", position.averages.names);
  reader.Numbers("value_sums", position.averages.values);
  reader.Number("averaged_steps", position.averages.steps);
  reader.Number("last_value", position.last_value);
  reader.Number("best_value", position.best_value);
  reader.Number("best_step", position.best_step);
  reader.Number("loss_scale", position.loss_scaler.scale);
  reader.Number("loss_scale_good_steps", position.loss_scaler.good_steps);
  reader.Number("loss_scale_overflows_left", position.loss_scaler.overflows_left);
  position.precision.full = reader.Text("full_precision") == "1";
  reader.Numbers("precision_losses", position.precision.losses);
  reader.Number("early_stop_best", position.early_stop.best);
  reader.Number("early_stop_best_step", position.early_stop.best_step);
  reader.Number("early_stop_stale", position.early_stop.stale);
  RETURN_IF_ERROR(reader.status());
  std::vector<NamedTensor> tensors = AllTensors(parameters, optimizer);
  const std::size_t stored = file->header().tensors.size() + file->TiedNames().size();
  if (tensors.size() != stored) {
    return DataLoss(path + ": has " + std::to_string(stored) + " tensors, this configuration has " +
                    std::to_string(tensors.size()));
  }
  for (NamedTensor& named : tensors) RETURN_IF_ERROR(file->ReadInto(named.name, named.tensor));
  optimizer.Restored();
  return resumed;
}

Status SaveModel(const std::string& path, const ParameterSet& parameters,
                 const std::map<std::string, std::string>& about) {
  Metadata metadata = about;
  metadata["format"] = "pt";
  return WriteSafetensors(path, ModelTensors(parameters, ""), metadata);
}

Status LoadModel(const std::string& path, ParameterSet& parameters) {
  auto file = SafetensorsFile::Open(path);
  if (!file.ok()) return file.status();
  const Metadata& metadata = file->header().metadata;
  const auto format = metadata.find("format");
  const bool checkpoint =
      format != metadata.end() && format->second.starts_with("fusor.checkpoint.");
  for (NamedTensor& named : ModelTensors(parameters, checkpoint ? "model." : "")) {
    RETURN_IF_ERROR(file->ReadInto(named.name, named.tensor));
  }
  return Ok();
}

}  // namespace fusor
