#include "trainer/io/pickle_writer.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>
#include <variant>
#include <vector>

#include "trainer/io/byte_cursor.h"
#include "trainer/io/pickle_opcodes.h"

namespace fusor {

PickleWriter::PickleWriter() {
  Opcode(pickle::kProto);
  out_ += '\x02';
}

void PickleWriter::BeginDict() {
  Opcode(pickle::kEmptyDict);
  Opcode(pickle::kMark);
}

void PickleWriter::BeginOrderedDict() {
  Name("collections", "OrderedDict");
  Opcode(pickle::kEmptyTuple);
  Opcode(pickle::kReduce);
  Opcode(pickle::kMark);
}

void PickleWriter::EndDict() { Opcode(pickle::kSetItems); }

void PickleWriter::Text(std::string_view text) {
  Opcode(pickle::kBinUnicode);
  AppendBytes(out_, static_cast<std::uint32_t>(text.size()));
  out_ += text;
}

void PickleWriter::Integer(std::int64_t value) {
  if (value >= 0 && value <= std::numeric_limits<std::uint8_t>::max()) {
    Opcode(pickle::kBinInt1);
    AppendBytes(out_, static_cast<std::uint8_t>(value));
  } else if (value == static_cast<std::int32_t>(value)) {
    Opcode(pickle::kBinInt);
    AppendBytes(out_, static_cast<std::int32_t>(value));
  } else {
    Opcode(pickle::kLong1);
    out_ += static_cast<char>(sizeof value);
    AppendBytes(out_, value);
  }
}

void PickleWriter::Bool(bool value) { Opcode(value ? pickle::kNewTrue : pickle::kNewFalse); }

void PickleWriter::Put(const Value& value) {
  if (const auto* flag = std::get_if<bool>(&value)) {
    Bool(*flag);
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    Integer(*integer);
  } else if (const auto* real = std::get_if<double>(&value)) {
    Opcode(pickle::kBinFloat);
    AppendBytes(out_, __builtin_bswap64(std::bit_cast<std::uint64_t>(*real)));
  } else {
    Text(std::get<std::string>(value));
  }
}

void PickleWriter::Tuple(std::span<const std::int64_t> values) {
  if (values.empty()) return Opcode(pickle::kEmptyTuple);
  Opcode(pickle::kMark);
  for (const std::int64_t value : values) Integer(value);
  Opcode(pickle::kTuple);
}

void PickleWriter::Name(std::string_view module, std::string_view name) {
  const std::string line = std::string(module) + '\n' + std::string(name) + '\n';
  const auto [found, fresh] = names_.emplace(line, static_cast<std::uint32_t>(names_.size()));
  if (fresh) {
    Opcode(pickle::kGlobal);
    out_ += line;
    Opcode(pickle::kBinPut);
  } else {
    Opcode(pickle::kBinGet);
  }
  out_ += static_cast<char>(found->second);  // there are a few dozen names in all
}

void PickleWriter::PutStorage(const Tensor& tensor) {
  const std::string_view storage = TorchStorageName(tensor.type);
  Opcode(pickle::kMark);
  Text("storage");
  if (storage.empty()) {
    Name("torch.storage", "UntypedStorage");
  } else {
    Name("torch", storage);
  }
  Text(tensor.storage);
  Text("cpu");
  const std::uint64_t element = storage.empty() ? 1 : TensorTypeBytes(tensor.type);
  Integer(static_cast<std::int64_t>(tensor.storage_bytes / element));
  Opcode(pickle::kTuple);
  Opcode(pickle::kBinPersId);
}

void PickleWriter::Put(const Tensor& tensor) {
  const bool typed = !TorchStorageName(tensor.type).empty();
  std::vector<std::int64_t> strides(tensor.shape.size());
  std::int64_t stride = 1;
  for (std::size_t d = tensor.shape.size(); d-- > 0;) {
    strides[d] = stride;
    stride *= std::max<std::int64_t>(tensor.shape[d], 1);
  }
  Name("torch._utils", typed ? "_rebuild_tensor_v2" : "_rebuild_tensor_v3");
  Opcode(pickle::kMark);
  PutStorage(tensor);
  Integer(0);  // offset
  Tuple(tensor.shape);
  Tuple(strides);
  Bool(false);         // needs no gradient
  BeginOrderedDict();  // and has no hooks
  EndDict();
  if (!typed) Name("torch", TorchTypeName(tensor.type));
  Opcode(pickle::kTuple);
  Opcode(pickle::kReduce);
}

std::string PickleWriter::Finish() {
  Opcode(pickle::kStop);
  return std::move(out_);
}

}  // namespace fusor
