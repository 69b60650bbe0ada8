#include "trainer/io/npy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "trainer/io/atomic_file.h"
#include "trainer/io/byte_cursor.h"
#include "trainer/io/mapped_file.h"

namespace fusor {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kAlignment = 64;
constexpr std::uint32_t kHeaderBytesMax = 64 << 10;
// NumPy leaves room for the first extent to grow in place.
constexpr std::size_t kGrowthDigits = 21;

struct Row {
  TensorType type;
  std::string_view name;
};

constexpr std::array<Row, 14> kTypes = {{
    {TensorType::kBool, "|b1"},
    {TensorType::kU8, "|u1"},
    {TensorType::kI8, "|i1"},
    {TensorType::kI16, "<i2"},
    {TensorType::kU16, "<u2"},
    {TensorType::kF16, "<f2"},
    {TensorType::kI32, "<i4"},
    {TensorType::kU32, "<u4"},
    {TensorType::kF32, "<f4"},
    {TensorType::kI64, "<i8"},
    {TensorType::kU64, "<u8"},
    {TensorType::kF64, "<f8"},
    {TensorType::kC64, "<c8"},
    {TensorType::kC128, "<c16"},
}};

struct Header {
  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<std::vector<std::int64_t>> shape;
};

// The header is a Python literal: {'descr': '<i8', 'fortran_order': False, 'shape': (3,), }
class HeaderParser {
 public:
  HeaderParser(std::string_view text, std::size_t offset) : text_(text), offset_(offset) {}

  Result<Header> Parse() {
    Header header;
    if (!Accept("{")) return Expected("'{'");
    while (!Accept("}")) {
      RETURN_IF_ERROR(ParseMember(header));
      if (!Accept(",") && !Peek('}')) return Expected("',' or '}'");
    }
    SkipBlanks();
    if (at_ != text_.size()) return Expected("the header's end");
    if (!header.descr || !header.fortran_order || !header.shape) {
      return Expected("'descr', 'fortran_order' and 'shape'");
    }
    return header;
  }

 private:
  Status Expected(const std::string& what) const {
    return DataLoss("offset " + std::to_string(offset_ + at_) + ": the header should have " + what +
                    " here");
  }
  void SkipBlanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool Peek(char c) {
    SkipBlanks();
    return at_ < text_.size() && text_[at_] == c;
  }
  bool Accept(std::string_view token) {
    SkipBlanks();
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }

  Result<std::string> ParseText() {
    for (const char* quote : {"'", "\""}) {
      if (!Accept(quote)) continue;
      const std::size_t end = text_.find(quote, at_);
      const std::string_view text = text_.substr(at_, end - at_);
      if (end == std::string_view::npos || text.find('\\') != std::string_view::npos) break;
      at_ = end + 1;
      return std::string(text);
    }
    return Expected("a text in quotes");
  }

  Result<std::vector<std::int64_t>> ParseShape() {
    if (!Accept("(")) return Expected("a tuple");
    std::vector<std::int64_t> shape;
    while (!Accept(")")) {
      SkipBlanks();
      std::int64_t extent = 0;
      const char* begin = text_.data() + at_;
      auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), extent);
      if (error != std::errc() || extent < 0) return Expected("an extent");
      at_ += static_cast<std::size_t>(end - begin);
      shape.push_back(extent);
      if (!Accept(",") && !Peek(')')) return Expected("',' or ')'");
    }
    return shape;
  }

  Status ParseMember(Header& header) {
    auto name = ParseText();
    if (!name.ok()) return name.status();
    if (!Accept(":")) return Expected("':'");
    if (*name == "descr" && !header.descr) {
      if (Peek('[')) {
        return InvalidArgument("offset " + std::to_string(offset_ + at_) +
                               ": an array of records; only plain numbers are read");
      }
      auto descr = ParseText();
      if (!descr.ok()) return descr.status();
      header.descr = std::move(*descr);
    } else if (*name == "fortran_order" && !header.fortran_order) {
      if (Accept("True")) {
        header.fortran_order = true;
      } else if (Accept("False")) {
        header.fortran_order = false;
      } else {
        return Expected("True or False");
      }
    } else if (*name == "shape" && !header.shape) {
      auto shape = ParseShape();
      if (!shape.ok()) return shape.status();
      header.shape = std::move(*shape);
    } else {
      return Expected("'descr', 'fortran_order' and 'shape' once each, not '" + *name + "',");
    }
    return Ok();
  }

  std::string_view text_;
  std::size_t offset_;
  std::size_t at_ = 0;
};

Result<NpyArray> Interpret(const Header& header, ByteCursor data) {
  auto row = std::find_if(kTypes.begin(), kTypes.end(),
                          [&](const Row& r) { return r.name == *header.descr; });
  if (row == kTypes.end()) {
    return InvalidArgument("elements of type '" + *header.descr +
                           "': only little-endian numbers are read, such as '<i8' or '<f4'");
  }
  NpyArray array{row->type, *header.shape, {}};
  if (*header.fortran_order && array.shape.size() > 1) {
    return InvalidArgument("the array is in Fortran order; save numpy.ascontiguousarray() of it");
  }
  const auto bytes = TensorBytes(array.type, array.shape);
  if (!bytes) return DataLoss("a shape that cannot be: " + ShapeText(array.shape));
  const std::string found = std::to_string(data.left());
  const std::size_t begin = data.at();
  auto taken = data.Take(*bytes);
  if (!taken || data.left() > 0) {
    return DataLoss("offset " + std::to_string(begin) + ": " + std::string(row->name) +
                    ShapeText(array.shape) + " takes " + std::to_string(*bytes) +
                    " bytes, the file has " + found);
  }
  array.data = *taken;
  return array;
}

Status InFile(const std::string& path, const Status& status) {
  return Status(status.code(), path + ": " + status.message());
}

}  // namespace

Result<NpyArray> ParseNpy(std::span<const std::byte> file) {
  ByteCursor cursor(file);
  auto magic = cursor.TakeText(kMagic.size());
  if (!magic || *magic != kMagic) return DataLoss("offset 0: not a .npy file");
  auto major = cursor.Read<std::uint8_t>();
  auto minor = cursor.Read<std::uint8_t>();
  if (!major || !minor) return DataLoss("offset 6: the file ends before its version");
  if (*minor != 0 || (*major != 1 && *major != 2)) {
    return InvalidArgument("offset 6: format " + std::to_string(*major) + "." +
                           std::to_string(*minor) + "; 1.0 and 2.0 are read");
  }
  std::optional<std::uint32_t> length;
  if (*major == 1) {
    if (auto small = cursor.Read<std::uint16_t>()) length = *small;
  } else {
    length = cursor.Read<std::uint32_t>();
  }
  if (!length) return DataLoss("offset 8: the file ends before its header");
  if (*length > kHeaderBytesMax) {
    return ResourceExhausted("offset 8: a header of " + std::to_string(*length) +
                             " bytes; at most " + std::to_string(kHeaderBytesMax) + " are read");
  }
  const std::size_t begin = cursor.at();
  auto text = cursor.TakeText(*length);
  if (!text) {
    return DataLoss("offset 8: a header of " + std::to_string(*length) + " bytes, of which " +
                    std::to_string(cursor.left()) + " are there");
  }
  auto header = HeaderParser(*text, begin).Parse();
  if (!header.ok()) return header.status();
  return Interpret(*header, cursor);
}

Status WriteNpy(const std::string& path, const NpyArray& array) {
  auto row = std::find_if(kTypes.begin(), kTypes.end(),
                          [&](const Row& r) { return r.type == array.type; });
  if (row == kTypes.end()) {
    return InvalidArgument(path + ": NumPy has no type for " +
                           std::string(TensorTypeName(array.type)));
  }
  if (TensorBytes(array.type, array.shape) != array.data.size()) {
    return InvalidArgument(path + ": " + ShapeText(array.shape) + " does not take " +
                           std::to_string(array.data.size()) + " bytes");
  }
  std::string shape;
  for (const std::int64_t extent : array.shape) {
    if (!shape.empty()) shape += ", ";
    shape += std::to_string(extent);
  }
  if (array.shape.size() == 1) shape += ',';
  std::string header = "{'descr': '" + std::string(row->name) +
                       "', 'fortran_order': False, 'shape': (" + shape + "), }";
  if (!array.shape.empty()) {
    const std::size_t digits = std::to_string(array.shape[0]).size();
    header.append(kGrowthDigits - std::min(digits, kGrowthDigits), ' ');
  }
  const std::size_t before = kMagic.size() + 4;
  header.append(kAlignment - (before + header.size() + 1) % kAlignment, ' ');
  header += '\n';
  std::string text(kMagic);
  text += '\x01';
  text += '\0';
  AppendBytes(text, static_cast<std::uint16_t>(header.size()));
  text += header;
  auto file = AtomicFile::Create(path);
  if (!file.ok()) return file.status();
  RETURN_IF_ERROR(file->Write(text.data(), text.size()));
  RETURN_IF_ERROR(file->Write(array.data.data(), array.data.size()));
  return file->Commit();
}

Result<std::vector<std::int64_t>> ReadIndexFile(const std::string& path, std::int64_t end) {
  auto file = MappedFile::Open(path);
  if (!file.ok()) return file.status();
  auto array = ParseNpy(file->bytes());
  if (!array.ok()) return InFile(path, array.status());
  if (array->type != TensorType::kI64 || array->shape.size() != 1) {
    return InvalidArgument(path + ": " + std::string(TensorTypeName(array->type)) +
                           ShapeText(array->shape) +
                           ", expected a list of indices, I64 in one dimension");
  }
  std::vector<std::int64_t> indices(static_cast<std::size_t>(array->shape[0]));
  if (!indices.empty()) std::memcpy(indices.data(), array->data.data(), array->data.size());
  for (std::size_t i = 0; i < indices.size(); ++i) {
    if (indices[i] >= 0 && indices[i] < end) continue;
    const std::size_t data = file->bytes().size() - array->data.size();
    return InvalidArgument(path + ": offset " + std::to_string(data + 8 * i) + ": index " +
                           std::to_string(indices[i]) + ", expected 0 to " +
                           std::to_string(end - 1));
  }
  return indices;
}

Status WriteIndexFile(const std::string& path, std::span<const std::int64_t> indices) {
  return WriteNpy(
      path,
      {TensorType::kI64, {static_cast<std::int64_t>(indices.size())}, std::as_bytes(indices)});
}

}  // namespace fusor
