#pragma once

// Pictures that somebody wants classified: records of a CIFAR file, or PPM files of 32x32.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "trainer/data/image_set.h"

namespace fusor {

struct Picture {
  std::string name;  // "test.bin:7"
  std::array<std::uint8_t, kImageBytes> pixels{};  // planes, as in an ImageSet
  std::optional<int> label;
};

// `what` is FILE.ppm, FILE.bin, FILE.bin:7 or FILE.bin:0-9. A record of a .bin file has so many
// bytes of labels before its pixels, of which the last is the class.
Result<std::vector<Picture>> ReadPictures(const std::string& what, int label_bytes);

// The classes' names in a data set's folder (fine_label_names.txt, batches.meta.txt), in their
// order; none where there is no such file.
std::vector<std::string> ReadClassNames(const std::string& datasets_dir, const std::string& data);

}  // namespace fusor
