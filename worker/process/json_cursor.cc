#include "worker/process/json_cursor.h"

#include <charconv>
#include <cmath>
#include <limits>

namespace fusor::agent {

namespace {

constexpr int kDepthMax = 64;

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

void AppendUtf8(std::uint32_t code, std::string& out) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

}  // namespace

bool IsUtf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (lead < 0xC2 || lead > 0xF4 || text.size() - i <= static_cast<std::size_t>(more))
      return false;
    std::uint32_t code = lead & (0x3F >> more);
    for (int k = 1; k <= more; ++k) {
      const auto next = static_cast<unsigned char>(text[i + static_cast<std::size_t>(k)]);
      if ((next & 0xC0) != 0x80) return false;
      code = code << 6 | (next & 0x3F);
    }
    constexpr std::uint32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
    if (code < kLeast[more] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return false;
    i += static_cast<std::size_t>(more) + 1;
  }
  return true;
}

bool JsonCursor::Fail() {
  ok_ = false;
  at_ = end_;
  return false;
}

char JsonCursor::Peek() {
  while (at_ != end_ && IsSpace(*at_)) ++at_;
  return at_ == end_ ? '\0' : *at_;
}

bool JsonCursor::AtEnd() { return Peek() == '\0' && at_ == end_ && ok_; }

bool JsonCursor::Expect(char c) {
  if (Peek() != c || at_ == end_) return Fail();
  ++at_;
  return true;
}

bool JsonCursor::Begin(char open) {
  if (!Expect(open)) return false;
  first_ = true;
  return true;
}

bool JsonCursor::NextKey(std::string_view& key) {
  if (!ok_) return false;
  if (Peek() == '}') {
    ++at_;
    first_ = false;
    return false;
  }
  if (!first_ && !Expect(',')) return false;
  first_ = false;
  Peek();
  return Text(key, key_) && Expect(':');
}

bool JsonCursor::NextElement() {
  if (!ok_) return false;
  if (Peek() == ']') {
    ++at_;
    first_ = false;
    return false;
  }
  if (!first_ && !Expect(',')) return false;
  first_ = false;
  return true;
}

bool JsonCursor::Text(std::string_view& text, std::string& scratch) {
  if (!Expect('"')) return false;
  const char* begin = at_;
  bool ascii = true;
  while (at_ != end_ && *at_ != '"' && *at_ != '\\') {
    if (static_cast<unsigned char>(*at_) < 0x20) return Fail();
    if (static_cast<unsigned char>(*at_) >= 0x80) ascii = false;
    ++at_;
  }
  if (at_ == end_) return Fail();
  text = std::string_view(begin, static_cast<std::size_t>(at_ - begin));
  if (*at_ == '\\') {
    scratch.assign(text);
    if (!Unescape(scratch)) return false;
    text = scratch;
    ascii = false;
  }
  ++at_;  // the closing quote
  return ascii || IsUtf8(text) || Fail();
}

bool JsonCursor::Hex4(std::uint32_t& value) {
  if (end_ - at_ < 4) return Fail();
  const auto [stop, error] = std::from_chars(at_, at_ + 4, value, 16);
  if (error != std::errc() || stop != at_ + 4) return Fail();
  at_ = stop;
  return true;
}

bool JsonCursor::Unescape(std::string& out) {
  while (at_ != end_ && *at_ != '"') {
    const char c = *at_++;
    if (static_cast<unsigned char>(c) < 0x20) return Fail();
    if (c != '\\') {
      out += c;
      continue;
    }
    if (at_ == end_) return Fail();
    constexpr std::string_view kFrom = "\"\\/bfnrt";
    constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
    const char escape = *at_++;
    const std::size_t known = kFrom.find(escape);
    if (known != std::string_view::npos) {
      out += kTo[known];
      continue;
    }
    std::uint32_t code = 0;
    if (escape != 'u') return Fail();
    if (!Hex4(code)) return false;
    if (code >= 0xD800 && code < 0xDC00) {
      std::uint32_t low = 0;
      if (end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u') return Fail();
      at_ += 2;
      if (!Hex4(low)) return false;
      if (low < 0xDC00 || low >= 0xE000) return Fail();
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    AppendUtf8(code, out);
  }
  return at_ != end_ || Fail();
}

bool JsonCursor::String(std::string& value) {
  std::string_view text;
  std::string scratch;
  Peek();
  if (!Text(text, scratch)) return false;
  value.assign(text);
  return true;
}

std::string_view JsonCursor::NumberText() {
  Peek();
  const char* begin = at_;
  while (at_ != end_ && ((*at_ >= '0' && *at_ <= '9') || *at_ == '-' || *at_ == '+' ||
                         *at_ == '.' || *at_ == 'e' || *at_ == 'E')) {
    ++at_;
  }
  return {begin, static_cast<std::size_t>(at_ - begin)};
}

bool JsonCursor::Int(std::int64_t& value) {
  const std::string_view text = NumberText();
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return (error == std::errc() && stop == text.data() + text.size()) || Fail();
}

bool JsonCursor::Double(double& value) {
  if (Peek() == '"') {
    std::string_view text;
    if (!Text(text, key_)) return false;
    if (text == "nan") {
      value = std::numeric_limits<double>::quiet_NaN();
    } else if (text == "inf") {
      value = std::numeric_limits<double>::infinity();
    } else if (text == "-inf") {
      value = -std::numeric_limits<double>::infinity();
    } else {
      return Fail();
    }
    return true;
  }
  const std::string_view text = NumberText();
  if (text.empty() || text[0] == '+') return Fail();
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (stop != text.data() + text.size()) return Fail();
  // Out of range reads as what it is nearest to.
  if (error == std::errc::result_out_of_range) {
    const bool tiny = text.find("e-") != text.npos || text.find("E-") != text.npos;
    const double size = tiny ? 0.0 : std::numeric_limits<double>::infinity();
    value = text[0] == '-' ? -size : size;
    return true;
  }
  return error == std::errc() || Fail();
}

bool JsonCursor::Word(std::string_view word) {
  if (static_cast<std::size_t>(end_ - at_) < word.size() ||
      std::string_view(at_, word.size()) != word) {
    return Fail();
  }
  at_ += word.size();
  return true;
}

bool JsonCursor::Bool(bool& value) {
  value = Peek() == 't';
  return Word(value ? "true" : "false");
}

bool JsonCursor::Skip() {
  std::string_view text;
  double number = 0;
  switch (Peek()) {
    case '"':
      return Text(text, key_);
    case 't':
      return Word("true");
    case 'f':
      return Word("false");
    case 'n':
      return Word("null");
    case '{':
    case '[': {
      if (++skip_depth_ > kDepthMax) return Fail();
      const bool object = *at_ == '{';
      Begin(*at_);
      while (object ? NextKey(text) : NextElement()) {
        if (!Skip()) return false;
      }
      --skip_depth_;
      return ok_;
    }
    default:
      return Double(number);
  }
}

}  // namespace fusor::agent
