#pragma once

// Writes the pickles (protocol 2) that Python's restricted reader takes: dicts of tensors, numbers
// and texts.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "common/recipe/value.h"
#include "trainer/io/tensor_type.h"

namespace fusor {

class PickleWriter {
 public:
  PickleWriter();

  // Between Begin and End: Text as the key, then the value, and so on.
  void BeginDict();
  void BeginOrderedDict();
  void EndDict();

  void Text(std::string_view text);
  void Put(const Value& value);

  // A contiguous tensor that begins its storage.
  struct Tensor {
    TensorType type = TensorType::kF32;
    std::span<const std::int64_t> shape;
    std::string_view storage;  // the record's key
    std::uint64_t storage_bytes = 0;
  };
  void Put(const Tensor& tensor);

  // The whole pickle.
  std::string Finish();

 private:
  void Opcode(std::uint8_t opcode) { out_ += static_cast<char>(opcode); }
  void Integer(std::int64_t value);
  void Bool(bool value);
  void Tuple(std::span<const std::int64_t> values);
  // Long the first time, short afterwards.
  void Name(std::string_view module, std::string_view name);
  void PutStorage(const Tensor& tensor);

  std::string out_;
  std::map<std::string, std::uint32_t, std::less<>> names_;
};

}  // namespace fusor
