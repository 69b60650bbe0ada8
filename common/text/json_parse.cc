#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_set>

#include "common/text/json.h"

namespace fusor {
namespace {

constexpr int kDepthMax = 64;
// An object with more members keeps their names at hand: a model file's header has very many.
constexpr std::size_t kMembersSearched = 16;

void AppendUtf8(std::uint32_t point, std::string& out) {
  const auto follow = [&](int shift) { out += static_cast<char>(0x80 | (point >> shift & 0x3f)); };
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xc0 | point >> 6);
    follow(0);
  } else if (point < 0x10000) {
    out += static_cast<char>(0xe0 | point >> 12);
    follow(6);
    follow(0);
  } else {
    out += static_cast<char>(0xf0 | point >> 18);
    follow(12);
    follow(6);
    follow(0);
  }
}

// By descent. Every function returns false to stop; `at_` then stands behind the byte that is
// wrong.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Json> Parse() {
    constexpr std::string_view kMark = "\xef\xbb\xbf";  // some editors begin UTF-8 with it
    if (text_.starts_with(kMark)) at_ = kMark.size();
    Json root;
    if (Value(root, 0) && AtEnd()) return root;
    if (!problem_.empty()) return InvalidArgument(problem_);
    return InvalidArgument("not JSON at byte " + std::to_string(at_));
  }

 private:
  static constexpr int kEnd = -1;

  int Peek() const { return at_ < text_.size() ? static_cast<unsigned char>(text_[at_]) : kEnd; }
  int Next() {
    const int byte = Peek();
    ++at_;
    return byte;
  }
  bool Take(char wanted) {
    if (Peek() != wanted) return false;
    ++at_;
    return true;
  }
  bool Expect(char wanted) { return Next() == wanted; }
  bool Wrong() {
    ++at_;
    return false;
  }
  bool Fail(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }
  void SkipSpace() {
    while (Take(' ') || Take('\n') || Take('\r') || Take('\t')) {
    }
  }
  bool AtEnd() {
    SkipSpace();
    return Next() == kEnd;
  }

  bool Value(Json& out, int depth) {
    SkipSpace();
    switch (Peek()) {
      case '{':
        return depth < kDepthMax ? Object(out, depth + 1) : Fail("nested too deeply");
      case '[':
        return depth < kDepthMax ? Array(out, depth + 1) : Fail("nested too deeply");
      case '"':
        out.kind = Json::Kind::kText;
        return Text(out.text);
      case 't':
        out = {.kind = Json::Kind::kBool, .flag = true};
        return Word("true");
      case 'f':
        out = {.kind = Json::Kind::kBool};
        return Word("false");
      case 'n':
        return Word("null");
      default:
        return Number(out);
    }
  }

  bool Word(std::string_view word) {
    for (const char letter : word) {
      if (!Expect(letter)) return false;
    }
    return true;
  }

  bool Array(Json& out, int depth) {
    out.kind = Json::Kind::kArray;
    ++at_;
    SkipSpace();
    if (Take(']')) return true;
    do {
      if (!Value(out.items.emplace_back(), depth)) return false;
      SkipSpace();
    } while (Take(','));
    return Expect(']');
  }

  bool Object(Json& out, int depth) {
    out.kind = Json::Kind::kObject;
    ++at_;
    SkipSpace();
    if (Take('}')) return true;
    std::unordered_set<std::string> names;  // once there are many
    do {
      SkipSpace();
      if (Peek() != '"') return Wrong();
      std::string name;
      if (!Text(name)) return false;
      if (!IsNew(name, out, names)) return Fail("duplicate key " + JsonQuote(name));
      SkipSpace();
      if (!Expect(':')) return false;
      if (!Value(out.members.emplace_back(std::move(name), Json()).value, depth)) return false;
      SkipSpace();
    } while (Take(','));
    return Expect('}');
  }

  static bool IsNew(const std::string& name, const Json& object,
                    std::unordered_set<std::string>& names) {
    if (object.members.size() < kMembersSearched) return object.Find(name) == nullptr;
    if (names.empty()) {
      for (const Json::Member& member : object.members) names.insert(member.name);
    }
    return names.insert(name).second;
  }

  bool Text(std::string& out) {
    ++at_;
    for (;;) {
      const int byte = Next();
      if (byte == '"') return true;
      if (byte < 0x20) return false;  // the end too
      if (byte == '\\') {
        if (!Escape(out)) return false;
      } else if (byte < 0x80) {
        out += static_cast<char>(byte);
      } else if (!Utf8(byte, out)) {
        return false;
      }
    }
  }

  // The bytes behind the first one of a character beyond ASCII; neither overlong, nor half of a
  // pair, nor beyond the last character.
  bool Utf8(int first, std::string& out) {
    if (first < 0xc2 || first > 0xf4) return false;
    out += static_cast<char>(first);
    const int follow = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    for (int i = 0; i < follow; ++i) {
      int low = 0x80;
      int high = 0xbf;
      if (i == 0 && first == 0xe0) low = 0xa0;
      if (i == 0 && first == 0xed) high = 0x9f;
      if (i == 0 && first == 0xf0) low = 0x90;
      if (i == 0 && first == 0xf4) high = 0x8f;
      const int byte = Next();
      if (byte < low || byte > high) return false;
      out += static_cast<char>(byte);
    }
    return true;
  }

  bool Escape(std::string& out) {
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    const int name = Next();
    if (name == 'u') return EscapedPoint(out);
    if (name == kEnd) return false;
    const std::size_t found = kNames.find(static_cast<char>(name));
    if (found == std::string_view::npos) return false;
    out += kMeant[found];
    return true;
  }

  bool EscapedPoint(std::string& out) {
    std::uint32_t point = 0;
    if (!FourDigits(point)) return false;
    if (point >= 0xdc00 && point <= 0xdfff) return false;
    if (point >= 0xd800 && point <= 0xdbff) {
      std::uint32_t second = 0;
      if (!Expect('\\') || !Expect('u') || !FourDigits(second)) return false;
      if (second < 0xdc00 || second > 0xdfff) return false;
      point = 0x10000 + ((point - 0xd800) << 10) + (second - 0xdc00);
    }
    AppendUtf8(point, out);
    return true;
  }

  bool FourDigits(std::uint32_t& number) {
    for (int i = 0; i < 4; ++i) {
      const int byte = Next();
      const int letter = byte | 0x20;
      if (byte >= '0' && byte <= '9') {
        number = number << 4 | static_cast<std::uint32_t>(byte - '0');
      } else if (letter >= 'a' && letter <= 'f') {
        number = number << 4 | static_cast<std::uint32_t>(letter - 'a' + 10);
      } else {
        return false;
      }
    }
    return true;
  }

  bool Digits() {
    if (Peek() < '0' || Peek() > '9') return Wrong();
    while (Peek() >= '0' && Peek() <= '9') ++at_;
    return true;
  }

  bool Number(Json& out) {
    const std::size_t begin = at_;
    bool whole = true;
    Take('-');
    if (!Take('0') && !Digits()) return false;
    if (Take('.')) {
      whole = false;
      if (!Digits()) return false;
    }
    if (Take('e') || Take('E')) {
      whole = false;
      if (!Take('+')) Take('-');
      if (!Digits()) return false;
    }
    const std::string_view number = text_.substr(begin, at_ - begin);
    const char* end = number.data() + number.size();
    out.kind = Json::Kind::kInt;
    if (whole && std::from_chars(number.data(), end, out.integer).ec == std::errc()) {
      out.real = static_cast<double>(out.integer);
      return true;
    }
    out.kind = Json::Kind::kFloat;
    if (std::from_chars(number.data(), end, out.real).ec == std::errc()) return true;
    // Too large, or too near to 0 for from_chars to say so.
    out.real = std::strtod(std::string(number).c_str(), nullptr);
    return std::isfinite(out.real);
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  std::string problem_;
};

}  // namespace

Result<Json> ParseJson(std::string_view text) { return Parser(text).Parse(); }

}  // namespace fusor
