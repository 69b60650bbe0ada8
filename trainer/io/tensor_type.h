#pragma once

// The element types of tensors in files, and what each format calls them.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fusor {

enum class TensorType : std::uint8_t {
  kBool,
  kU8,
  kI8,
  kF8E5M2,
  kF8E4M3,
  kF8E5M2Fnuz,
  kF8E4M3Fnuz,
  kF8E8M0,
  kI16,
  kU16,
  kF16,
  kBF16,
  kI32,
  kU32,
  kF32,
  kC32,
  kI64,
  kU64,
  kF64,
  kC64,
  kC128,
};

// "F32", "BF16", ...: safetensors' name, or one of the same kind where safetensors has none.
std::string_view TensorTypeName(TensorType type);
// "float32", "bfloat16", ...: torch's name.
std::string_view TorchTypeName(TensorType type);
// "FloatStorage", ...; empty for a type that torch pickles as bytes with a type beside them.
std::string_view TorchStorageName(TensorType type);
std::uint64_t TensorTypeBytes(TensorType type);
// C32 and C128 are torch's alone.
bool IsSafetensorsType(TensorType type);

std::optional<TensorType> TensorTypeFromName(std::string_view safetensors_name);
std::optional<TensorType> TensorTypeFromTorch(std::string_view torch_name);
std::optional<TensorType> TensorTypeFromStorage(std::string_view storage_name);

// "[64,3,3,3]"
std::string ShapeText(std::span<const std::int64_t> shape);

// The bytes of a contiguous tensor; nothing when an extent is negative, there are too many of them,
// or their product, zeros taken as ones, times the element does not fit into 63 bits.
std::optional<std::uint64_t> TensorBytes(TensorType type, std::span<const std::int64_t> shape);

}  // namespace fusor
