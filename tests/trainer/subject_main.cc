// trainer_subject IN.safetensors OUT.safetensors: runs a network or fusion on what another program
// (tests/peers/networks_live.py) wrote, and writes what can be compared.
//
//   IN   metadata: options, precision, mode (train or evaluate), seed, step, observe (yes or no);
//        tensors: weight:NAME, input:K, cotangent (train)
//   OUT  result:K; train: gradient:NAME, gradient:input:K, buffer:NAME; observe: layer:N:in,
//        layer:N:out and the metadata `layers`, their names in lines

#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "tests/trainer/subject.h"
#include "trainer/io/safetensors.h"

namespace fusor::testing {
namespace {

class Tape final : public LayerObserver {
 public:
  void OnLayer(const Layer& layer, const at::Tensor& input, const at::Tensor& output) override {
    if (layer.parameters == 0) return;
    const std::string prefix = "layer:" + std::to_string(count_++) + ":";
    // Copies: one layer's output is the next one's input, and a file has a tensor once.
    tensors.push_back({prefix + "in", input.detach().clone()});
    tensors.push_back({prefix + "out", output.detach().clone()});
    names += layer.name + "\n";
  }

  std::vector<NamedTensor> tensors;
  std::string names;

 private:
  int count_ = 0;
};

Status ReadWeights(const SafetensorsFile& file, ParameterSet& parameters) {
  for (Parameter& parameter : parameters.trained) {
    RETURN_IF_ERROR(file.ReadInto("weight:" + parameter.name, parameter.value));
  }
  for (Buffer& buffer : parameters.buffers) {
    RETURN_IF_ERROR(file.ReadInto("weight:" + buffer.name, buffer.value));
  }
  return Ok();
}

Result<std::vector<at::Tensor>> ReadInputs(const SafetensorsFile& file, bool gradients) {
  std::vector<at::Tensor> inputs;
  while (const TensorEntry* entry = file.Find("input:" + std::to_string(inputs.size()))) {
    auto read = file.Read(*entry);
    if (!read.ok()) return read.status();
    at::Tensor input = std::move(*read);
    if (input.dim() == 4) input = input.contiguous(at::MemoryFormat::ChannelsLast);
    inputs.push_back(input.requires_grad_(gradients));
  }
  if (inputs.empty()) return InvalidArgument("no input:0");
  return inputs;
}

Status Run(const std::string& in, const std::string& out) {
  auto file = SafetensorsFile::Open(in);
  if (!file.ok()) return file.status();
  auto setting = [&](const char* name) { return file->header().metadata.at(name); };
  auto precision = Precision::FromName(setting("precision"), false);
  if (!precision.ok()) return precision.status();
  auto subject = Subject::Make(setting("options"), *precision);
  if (!subject.ok()) return subject.status();
  ParameterSet& parameters = (*subject)->parameters();
  RETURN_IF_ERROR(ReadWeights(*file, parameters));
  const bool train = setting("mode") == "train";
  auto inputs = ReadInputs(*file, train);
  if (!inputs.ok()) return inputs.status();

  Tape tape;
  const Pass pass{.precision = *precision,
                  .mode = train ? Mode::kTrain : Mode::kEvaluate,
                  .seed = std::stoull(setting("seed")),
                  .step = std::stoll(setting("step")),
                  .observer = setting("observe") == "yes" ? &tape : nullptr};
  const std::vector<at::Tensor> results = (*subject)->Forward(*inputs, pass);
  std::vector<NamedTensor> tensors = std::move(tape.tensors);
  for (std::size_t k = 0; k < results.size(); ++k) {
    tensors.push_back({"result:" + std::to_string(k), results[k].detach().clone()});
  }
  if (train) {
    const TensorEntry* cotangent = file->Find("cotangent");
    if (cotangent == nullptr) return InvalidArgument("no cotangent");
    auto stored = file->Read(*cotangent);
    if (!stored.ok()) return stored.status();
    results[0].mul(*stored).sum().backward();
    for (const Parameter& parameter : parameters.trained) {
      tensors.push_back({"gradient:" + parameter.name, parameter.value.grad()});
    }
    for (std::size_t k = 0; k < inputs->size(); ++k) {
      tensors.push_back({"gradient:input:" + std::to_string(k), (*inputs)[k].grad()});
    }
    for (const Buffer& buffer : parameters.buffers) {
      tensors.push_back({"buffer:" + buffer.name, buffer.value});
    }
  }
  return WriteSafetensors(out, tensors, {{"layers", tape.names}});
}

}  // namespace
}  // namespace fusor::testing

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: trainer_subject IN.safetensors OUT.safetensors\n");
    return 2;
  }
  const fusor::Status status = fusor::testing::Run(argv[1], argv[2]);
  if (!status.ok()) std::fprintf(stderr, "trainer_subject: %s\n", status.message().c_str());
  return status.ok() ? 0 : 1;
}
