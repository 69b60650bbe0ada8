#pragma once

// Pictures that somebody wants classified: records of a CIFAR file, or PPM files of 32x32.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "trainer/data/image_set.h"

namespace fusor {

struct Picture {
  std::string name;                                // "test.bin:7"
  std::array<std::uint8_t, kImageBytes> pixels{};  // planes, as in an ImageSet
  std::optional<int> label;
};

// Records `first` up to but not including `end`.
struct RecordRange {
  std::size_t first = 0;
  std::size_t end = 0;
};
// "A:B", with A below B.
Result<RecordRange> ParseRecordRange(const std::string& text);

struct RecordOptions {
  // Of labels before a record's pixels; the last is the class.
  std::size_t label_bytes = 1;
  std::optional<RecordRange> range;  // of files that are named without a record; else all
};

// `what` is FILE.ppm, FILE.bin or FILE.bin:7.
Result<std::vector<Picture>> ReadPictures(const std::string& what, const RecordOptions& options);

// The classes' names in a data set's folder (fine_label_names.txt, batches.meta.txt), in their
// order; none where there is no such file.
std::vector<std::string> ReadClassNames(const std::string& datasets_dir, const std::string& data);

}  // namespace fusor
