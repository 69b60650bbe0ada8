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
    return InvalidArgument(path + ": is " + std::to_string(*width) + "x" +
                           std::to_string(*height) + ", this model takes 32x32");
  }
  if (*top != 255) return InvalidArgument(path + ": has values to " + std::to_string(*top) +
                                          ", expected 255");
  const std::string_view pixels = reader.Rest();
  if (pixels.size() < kImageBytes) {
    return DataLoss(path + ": has " + std::to_string(pixels.size()) + " bytes of pixels, expected " +
                    std::to_string(kImageBytes));
  }
  Picture picture{.name = path};
  for (std::size_t i = 0; i < kImageBytes; ++i) {
    const std::size_t place = i % kImageChannels * kPlaneBytes + i / kImageChannels;
    picture.pixels[place] = static_cast<std::uint8_t>(pixels[i]);
  }
  return std::vector<Picture>{picture};
}

struct Range {
  std::string path;
  std::size_t first = 0;
  std::optional<std::size_t> last;
};

Result<Range> ParseRange(const std::string& what) {
  const std::size_t colon = what.rfind(':');
  if (colon == std::string::npos) return Range{what};
  const std::string_view text = std::string_view(what).substr(colon + 1);
  const std::size_t dash = text.find('-');
  const auto first = Number(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : Number(text.substr(dash + 1));
  if (!first || !last || *last < *first) {
    return InvalidArgument(what + ": records are given as FILE.bin:7 or FILE.bin:0-9");
  }
  return Range{what.substr(0, colon), *first, *last};
}

Result<std::vector<Picture>> ReadRecords(const std::string& what, std::size_t label_bytes) {
  const auto range = ParseRange(what);
  if (!range.ok()) return range.status();
  const auto text = ReadFile(range->path, kPictureBytesMax);
  if (!text.ok()) return text.status();
  const std::size_t record = label_bytes + kImageBytes;
  const std::size_t count = text->size() / record;
  if (text->size() % record != 0 || count == 0) {
    return DataLoss(range->path + ": " + std::to_string(text->size()) +
                    " bytes are no whole number of records of " + std::to_string(record));
  }
  const std::size_t last = range->last.value_or(count - 1);
  if (last >= count) {
    return InvalidArgument(what + ": the file has records 0 to " + std::to_string(count - 1));
  }
  std::vector<Picture> pictures;
  for (std::size_t i = range->first; i <= last; ++i) {
    const char* bytes = text->data() + i * record;
    Picture& picture = pictures.emplace_back();
    picture.name = range->path + ":" + std::to_string(i);
    picture.label = static_cast<std::uint8_t>(bytes[label_bytes - 1]);
    std::copy_n(bytes + label_bytes, kImageBytes, picture.pixels.begin());
  }
  return pictures;
}

}  // namespace

Result<std::vector<Picture>> ReadPictures(const std::string& what, int label_bytes) {
  if (what.ends_with(".ppm")) return ReadPpm(what);
  const std::string path = what.substr(0, what.rfind(':'));
  if (path.ends_with(".bin")) return ReadRecords(what, static_cast<std::size_t>(label_bytes));
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
