#pragma once

// Labelled 32x32 colour images, wherever their bytes lie. Immutable once made.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace fusor {

inline constexpr int kImageSide = 32;
inline constexpr int kImageChannels = 3;
inline constexpr std::size_t kPlaneBytes = std::size_t{kImageSide} * kImageSide;
inline constexpr std::size_t kImageBytes = kPlaneBytes * kImageChannels;

struct ImageSet {
  // Per image: three planes (red, green, blue) of rows.
  std::vector<const std::uint8_t*> pixels;
  std::vector<int> labels;
  // Shared: copies of a set point into the same bytes.
  std::vector<std::shared_ptr<const void>> storage;

  std::size_t size() const { return labels.size(); }
};

struct ImageData {
  int classes = 0;
  ImageSet train;
  ImageSet test;
  std::string name;         // "cifar10"
  std::string fingerprint;  // SHA-256 over the content; equal content, equal fingerprint
};

}  // namespace fusor
