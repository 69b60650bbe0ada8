#pragma once

// Reads little-endian numbers from bytes that nobody vouches for: never past their end.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fusor {

static_assert(std::endian::native == std::endian::little, "as LibTorch's builds are");

class ByteCursor {
 public:
  explicit ByteCursor(std::span<const std::byte> bytes, std::size_t at = 0)
      : bytes_(bytes), at_(at < bytes.size() ? at : bytes.size()) {}

  std::size_t at() const { return at_; }
  std::size_t left() const { return bytes_.size() - at_; }

  std::optional<std::span<const std::byte>> Take(std::uint64_t count) {
    if (count > left()) return std::nullopt;
    auto taken = bytes_.subspan(at_, count);
    at_ += count;
    return taken;
  }

  std::optional<std::string_view> TakeText(std::uint64_t count) {
    auto taken = Take(count);
    if (!taken) return std::nullopt;
    return std::string_view(reinterpret_cast<const char*>(taken->data()), taken->size());
  }

  template <class T>
  std::optional<T> Read() {
    auto taken = Take(sizeof(T));
    if (!taken) return std::nullopt;
    T value;
    std::memcpy(&value, taken->data(), sizeof value);
    return value;
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_;
};

// Appends a number in little-endian order.
template <class T>
void AppendBytes(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

}  // namespace fusor
