#pragma once

// Bytes for tests: a copy of its own, exactly as long as it says, so that the address sanitizer
// sees every read beyond it.

#include <gtest/gtest.h>

#include <cstddef>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fusor::testing {

inline std::vector<std::byte> Bytes(std::string_view text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return std::vector<std::byte>(begin, begin + text.size());
}

inline std::string FileText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << path;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// A file that Python's own programs wrote (tests/peers/files.py record).
inline std::string RecordedPath(const std::string& name) { return FUSOR_FILES "/" + name; }
inline std::vector<std::byte> Recorded(const std::string& name) {
  return Bytes(FileText(RecordedPath(name)));
}

}  // namespace fusor::testing
