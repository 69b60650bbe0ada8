#include "trainer/data/pictures.h"

#include <algorithm>
#include <charconv>
#include <sstream>
#include <string_view>

#include "trainer/io/atomic_file.h"

namespace fusor {
namespace {

constexpr std::size_t kPictureBytesMax = std::size_t{1} << 30;
constexpr std::size_t kNamesBytesMax = 1 << 20;

std::optional<std::size_t> Number(std::string_view text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The parts of a PPM's head, one after the other; `#` begins a comment.
class PpmReader {
 public:
  explicit PpmReader(std::string_view text) : text_(text) {}

  std::string_view Word() {
    while (at_ < text_.size() && (IsSpace(text_[at_]) || text_[at_] == '#')) {
      if (text_[at_] == '#') at_ = std::min(text_.find('\n', at_), text_.size() - 1);
      ++at_;
    }
    const std::size_t begin = at_;
    while (at_ < text_.size() && !IsSpace(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }
  // What follows the one blank behind the head.
  std::string_view Rest() const { return text_.substr(std::min(at_ + 1, text_.size())); }

 private:
  static bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

  std::string_view text_;
  std::size_t at_ = 0;
};

Result<std::vector<Picture>> ReadPpm(const std::string& path) {
  const auto text = ReadFile(path, kPictureBytesMax);
  if (!text.ok()) return text.status();
  PpmReader reader(*text);
  if (reader.Word() != "P6") return DataLoss(path + ": not a binary PPM (it begins with P6)");
  const auto width = Number(reader.Word());
  const auto height = Number(reader.Word());
  const auto top = Number(reader.Word());
  if (!width || !height || !top) return DataLoss(path + ": the PPM's head is damaged");
  if (*width != kImageSide || *height != kImageSide) {
    return InvalidArgument(path + ": is " + std::to_string(*width) + "x" + std::to_string(*height) +
                           ", this model takes 32x32");
  }
  if (*top != 255)
    return InvalidArgument(path + ": has values to " + std::to_string(*top) + ", expected 255");
  const std::string_view pixels = reader.Rest();
  if (pixels.size() < kImageBytes) {
    return DataLoss(path + ": has " + std::to_string(pixels.size()) +
                    " bytes of pixels, expected " + std::to_string(kImageBytes));
  }
  Picture picture{.name = path};
  for (std::size_t i = 0; i < kImageBytes; ++i) {
    const std::size_t place = i % kImageChannels * kPlaneBytes + i / kImageChannels;
    picture.pixels[place] = static_cast<std::uint8_t>(pixels[i]);
  }
  return std::vector<Picture>{picture};
}

// FILE.bin:7 apart; the number is absent from a bare name.
struct Named {
  std::string path;
  std::optional<std::size_t> record;
};

Named ParseName(const std::string& what) {
  const std::size_t colon = what.rfind(':');
  if (colon == std::string::npos) return {what, std::nullopt};
  const auto record = Number(std::string_view(what).substr(colon + 1));
  if (!record) return {what, std::nullopt};
  return {what.substr(0, colon), record};
}

Result<std::vector<Picture>> ReadRecords(const Named& named, const RecordOptions& options) {
  const auto text = ReadFile(named.path, kPictureBytesMax);
  if (!text.ok()) return text.status();
  const std::size_t record = options.label_bytes + kImageBytes;
  const std::size_t count = text->size() / record;
  if (text->size() % record != 0 || count == 0) {
    return DataLoss(named.path + ": " + std::to_string(text->size()) +
                    " bytes are no whole number of records of " + std::to_string(record));
  }
  RecordRange range = options.range.value_or(RecordRange{0, count});
  if (named.record) range = {*named.record, *named.record + 1};
  if (range.end > count) {
    return InvalidArgument(named.path + ": has records 0 to " + std::to_string(count - 1) +
                           ", no record " + std::to_string(range.end - 1));
  }
  std::vector<Picture> pictures;
  for (std::size_t i = range.first; i < range.end; ++i) {
    const char* bytes = text->data() + i * record;
    Picture& picture = pictures.emplace_back();
    picture.name = named.path + ":" + std::to_string(i);
    picture.label = static_cast<std::uint8_t>(bytes[options.label_bytes - 1]);
    std::copy_n(bytes + options.label_bytes, kImageBytes, picture.pixels.begin());
  }
  return pictures;
}

}  // namespace

Result<RecordRange> ParseRecordRange(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon != std::string::npos) {
    const auto first = Number(std::string_view(text).substr(0, colon));
    const auto end = Number(std::string_view(text).substr(colon + 1));
    if (first && end && *first < *end) return RecordRange{*first, *end};
  }
  return InvalidArgument("'" + text + "' is no range: A:B means A up to but not including B");
}

Result<std::vector<Picture>> ReadPictures(const std::string& what, const RecordOptions& options) {
  if (what.ends_with(".ppm")) return ReadPpm(what);
  const Named named = ParseName(what);
  if (named.path.ends_with(".bin")) return ReadRecords(named, options);
  return InvalidArgument(what + ": expected a .ppm picture or records of a .bin file");
}

std::vector<std::string> ReadClassNames(const std::string& datasets_dir, const std::string& data) {
  const std::string path =
      datasets_dir + (data == "cifar100" ? "/cifar-100-binary/fine_label_names.txt"
                                         : "/cifar-10-batches-bin/batches.meta.txt");
  const auto text = ReadFile(path, kNamesBytesMax);
  std::vector<std::string> names;
  if (data == "synthetic" || !text.ok()) return names;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    while (line.ends_with('\r') || line.ends_with(' ')) line.pop_back();
    if (!line.empty()) names.push_back(line);
  }
  return names;
}

}  // namespace fusor
