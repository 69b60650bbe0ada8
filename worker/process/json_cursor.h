#pragma once

// Reads JSON in one pass without building a tree: for lines of which there are tens of thousands a
// second. Once something is wrong every call returns false and ok() says so.
//
//   JsonCursor in(line);
//   for (bool more = in.BeginObject(); more && in.NextKey(key);) ...read or Skip() the value...

#include <cstdint>
#include <string>
#include <string_view>

namespace fusor::agent {

class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  bool ok() const { return ok_; }
  // Is nothing but white space left?
  bool AtEnd();

  // Steps into an object or array; the matching Next... calls return false once it is left.
  bool BeginObject() { return Begin('{'); }
  bool BeginArray() { return Begin('['); }
  // To the next member. The key is valid until the next call with an escape in it.
  bool NextKey(std::string_view& key);
  // To the next element.
  bool NextElement();

  bool String(std::string& value);
  bool Int(std::int64_t& value);
  // A number, or one of "nan", "inf", "-inf".
  bool Double(double& value);
  bool Bool(bool& value);
  bool Skip();

  // What comes next: '{', '[', '"', 't', 'f', 'n', '-' or a digit; 0 at the end.
  char Peek();

 private:
  bool Fail();
  bool Begin(char open);
  bool Expect(char c);
  bool Word(std::string_view word);
  // The text of a string: in place when it has no escapes, else in `scratch`.
  bool Text(std::string_view& text, std::string& scratch);
  bool Unescape(std::string& out);
  bool Hex4(std::uint32_t& value);
  std::string_view NumberText();

  const char* at_;
  const char* end_;
  bool ok_ = true;
  bool first_ = false;  // no element of the innermost object or array was read yet
  int skip_depth_ = 0;
  std::string key_;
};

// Is it well-formed UTF-8?
bool IsUtf8(std::string_view text);

}  // namespace fusor::agent
