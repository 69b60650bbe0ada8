#pragma once

// How many of something, in words: "1 trial", "12,000 trials".

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace fusor {

// "1,048,576"
std::string CountText(std::uint64_t count);

// "1 class", "2 classes"
std::string CountWords(std::uint64_t count, std::string_view one, std::string_view many);

// "16 trials", "1 trial", "0 trials": of none or more.
template <std::integral Number>
std::string CountOf(Number count, std::string_view noun) {
  return CountWords(static_cast<std::uint64_t>(count), noun, std::string(noun) + "s");
}

}  // namespace fusor
