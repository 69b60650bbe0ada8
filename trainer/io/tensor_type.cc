#include "trainer/io/tensor_type.h"

#include <algorithm>
#include <array>

#include "common/base/check.h"
#include "common/base/limits.h"

namespace fusor {
namespace {

struct Row {
  TensorType type;
  std::uint64_t bytes;
  bool safetensors;
  std::string_view name;
  std::string_view torch;
  std::string_view storage;
};

constexpr std::array<Row, 21> kRows = {{
    {TensorType::kBool, 1, true, "BOOL", "bool", "BoolStorage"},
    {TensorType::kU8, 1, true, "U8", "uint8", "ByteStorage"},
    {TensorType::kI8, 1, true, "I8", "int8", "CharStorage"},
    {TensorType::kF8E5M2, 1, true, "F8_E5M2", "float8_e5m2", ""},
    {TensorType::kF8E4M3, 1, true, "F8_E4M3", "float8_e4m3fn", ""},
    {TensorType::kF8E5M2Fnuz, 1, true, "F8_E5M2FNUZ", "float8_e5m2fnuz", ""},
    {TensorType::kF8E4M3Fnuz, 1, true, "F8_E4M3FNUZ", "float8_e4m3fnuz", ""},
    {TensorType::kF8E8M0, 1, true, "F8_E8M0", "float8_e8m0fnu", ""},
    {TensorType::kI16, 2, true, "I16", "int16", "ShortStorage"},
    {TensorType::kU16, 2, true, "U16", "uint16", ""},
    {TensorType::kF16, 2, true, "F16", "float16", "HalfStorage"},
    {TensorType::kBF16, 2, true, "BF16", "bfloat16", "BFloat16Storage"},
    {TensorType::kI32, 4, true, "I32", "int32", "IntStorage"},
    {TensorType::kU32, 4, true, "U32", "uint32", ""},
    {TensorType::kF32, 4, true, "F32", "float32", "FloatStorage"},
    {TensorType::kC32, 4, false, "C32", "complex32", ""},
    {TensorType::kI64, 8, true, "I64", "int64", "LongStorage"},
    {TensorType::kU64, 8, true, "U64", "uint64", ""},
    {TensorType::kF64, 8, true, "F64", "float64", "DoubleStorage"},
    {TensorType::kC64, 8, true, "C64", "complex64", "ComplexFloatStorage"},
    {TensorType::kC128, 16, false, "C128", "complex128", "ComplexDoubleStorage"},
}};

template <class Holds>
const Row* FindRow(Holds holds) {
  auto row = std::find_if(kRows.begin(), kRows.end(), holds);
  return row == kRows.end() ? nullptr : &*row;
}

const Row& RowOf(TensorType type) {
  const Row* row = FindRow([&](const Row& r) { return r.type == type; });
  CHECK(row != nullptr);
  return *row;
}

std::optional<TensorType> TypeOf(const Row* row) {
  return row == nullptr ? std::nullopt : std::optional(row->type);
}

}  // namespace

std::string_view TensorTypeName(TensorType type) { return RowOf(type).name; }
std::string_view TorchTypeName(TensorType type) { return RowOf(type).torch; }
std::string_view TorchStorageName(TensorType type) { return RowOf(type).storage; }
std::uint64_t TensorTypeBytes(TensorType type) { return RowOf(type).bytes; }
bool IsSafetensorsType(TensorType type) { return RowOf(type).safetensors; }

std::optional<TensorType> TensorTypeFromName(std::string_view name) {
  return TypeOf(FindRow([&](const Row& row) { return row.safetensors && row.name == name; }));
}

std::optional<TensorType> TensorTypeFromTorch(std::string_view name) {
  return TypeOf(FindRow([&](const Row& row) { return row.torch == name; }));
}

std::optional<TensorType> TensorTypeFromStorage(std::string_view name) {
  return TypeOf(FindRow([&](const Row& row) { return !name.empty() && row.storage == name; }));
}

std::string ShapeText(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ',';
    text += std::to_string(shape[i]);
  }
  return text + "]";
}

std::optional<std::uint64_t> TensorBytes(TensorType type, std::span<const std::int64_t> shape) {
  if (shape.size() > limits::kTensorRankMax) return std::nullopt;
  // LibTorch computes strides as if zeros were ones.
  std::int64_t bytes = static_cast<std::int64_t>(TensorTypeBytes(type));
  bool empty = false;
  for (const std::int64_t extent : shape) {
    if (extent < 0) return std::nullopt;
    empty |= extent == 0;
    if (__builtin_mul_overflow(bytes, std::max<std::int64_t>(extent, 1), &bytes)) {
      return std::nullopt;
    }
  }
  return empty ? 0 : static_cast<std::uint64_t>(bytes);
}

}  // namespace fusor
