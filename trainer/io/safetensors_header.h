#pragma once

// The header of a safetensors file, read as strictly as the format says: u64 little-endian length,
// a JSON object, then the data. Anything odd is refused; nothing of a file is trusted.
//
//   data bytes = [0, n1) [n1, n2) ...: the tensors' ranges, in order of offset, leave no hole and
//   do not overlap, and shape x dtype is each range's length.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "trainer/io/tensor_type.h"

namespace fusor {

inline constexpr std::uint64_t kSafetensorsHeaderBytesMax = 100'000'000;

struct TensorEntry {
  std::string name;
  TensorType type = TensorType::kF32;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;  // in the data
  std::uint64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<TensorEntry> tensors;  // in order of their data
  std::map<std::string, std::string> metadata;
};

// `json` is the header's text; `data_bytes` what follows it in the file.
Result<SafetensorsHeader> ParseSafetensorsHeader(std::string_view json, std::uint64_t data_bytes);

// Length word and JSON, padded with spaces so that the data starts at a multiple of 8.
std::string FormatSafetensorsHeader(const SafetensorsHeader& header);

}  // namespace fusor
