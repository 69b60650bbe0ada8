// What tests/peers/files.py asks of the product's file code.
//
//   trainer_peer_files write DIR    writes one file of each kind
//   trainer_peer_files read FILE    prints a line of JSON for each tensor

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>

#include <cstdio>
#include <string>
#include <vector>

#include "common/text/json.h"
#include "trainer/io/component.h"
#include "trainer/io/npy.h"
#include "trainer/io/pth.h"
#include "trainer/io/safetensors.h"
#include "trainer/io/tensor_memory.h"

namespace fusor {
namespace {

// As files.py: bytes 0, 37, 74, ... modulo 251; bools in turn.
at::Tensor Pattern(TensorType type) {
  at::Tensor tensor = at::empty({2, 3}, ToScalarType(type));
  auto bytes = BytesOf(tensor);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::byte>(type == TensorType::kBool ? i % 2 : i * 37 % 251);
  }
  return tensor;
}

// files.py's component().
std::vector<NamedTensor> Network() {
  const std::vector<std::pair<const char*, std::vector<std::int64_t>>> shapes = {
      {"conv.weight", {3, 2, 1, 1}}, {"bn.weight", {3}},      {"bn.bias", {3}},
      {"bn.running_mean", {3}},      {"bn.running_var", {3}}, {"bn.num_batches_tracked", {}}};
  std::vector<NamedTensor> tensors;
  for (const auto& [name, shape] : shapes) {
    const auto first = static_cast<std::int64_t>(100 * tensors.size());
    const std::int64_t count = shape.empty() ? 1 : shape.size() == 1 ? 3 : 6;
    const auto type = shape.empty() ? at::kLong : at::kFloat;
    tensors.push_back({name, at::arange(first, first + count, type).view(shape)});
  }
  return tensors;
}

Status Write(const std::string& folder) {
  std::vector<NamedTensor> all;
  std::vector<NamedTensor> shared;  // what both safetensors and its Python package know
  for (int i = 0; i <= static_cast<int>(TensorType::kC128); ++i) {
    const auto type = static_cast<TensorType>(i);
    all.push_back({std::string(TorchTypeName(type)), Pattern(type)});
    if (IsSafetensorsType(type) && type != TensorType::kF8E8M0) shared.push_back(all.back());
  }
  RETURN_IF_ERROR(WritePth(folder + "/types.pth", "", all, {}));
  RETURN_IF_ERROR(WriteSafetensors(folder + "/types.safetensors", shared, {}));
  RETURN_IF_ERROR(SaveComponent(folder + "/part", Network(),
                                {12, 0.8125, "multiplicative", "densenet", 1.0, "expert_0"}));
  const at::Tensor tied = at::arange(4, at::kFloat);
  RETURN_IF_ERROR(
      WritePth(folder + "/tied.pth", "", std::vector<NamedTensor>{{"a", tied}, {"b", tied}}, {}));
  return WriteIndexFile(folder + "/indices.npy", std::vector<std::int64_t>{3, 1, 4});
}

std::string Hex(std::span<const std::byte> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes) {
    text += kDigits[static_cast<unsigned>(byte) >> 4];
    text += kDigits[static_cast<unsigned>(byte) & 15];
  }
  return text;
}

Status Print(const std::string& path) {
  auto component = LoadComponent(path);
  if (!component.ok()) return component.status();
  for (const NamedTensor& named : component->tensors) {
    auto type = ToTensorType(named);
    if (!type.ok()) return type.status();
    JsonWriter line;
    line.BeginObject();
    line.Key("name").Text(named.name);
    line.Key("type").Text(TorchTypeName(*type));
    line.Key("shape").BeginArray();
    for (const std::int64_t extent : named.tensor.sizes()) line.Int(extent);
    line.EndArray();
    line.Key("bytes").Text(Hex(BytesOf(named.tensor)));
    line.EndObject();
    std::puts(line.text().c_str());
  }
  return Ok();
}

int Run(const std::vector<std::string>& arguments) {
  Status status = InvalidArgument("usage: trainer_peer_files write DIR | read FILE");
  if (arguments.size() == 2 && arguments[0] == "write") status = Write(arguments[1]);
  if (arguments.size() == 2 && arguments[0] == "read") status = Print(arguments[1]);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.message().c_str());
  return 1;
}

}  // namespace
}  // namespace fusor

int main(int argc, char** argv) {
  return fusor::Run(std::vector<std::string>(argv + 1, argv + argc));
}
