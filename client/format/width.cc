#include "client/format/width.h"

#include <algorithm>

namespace fusor::client {

namespace {

// Bytes of the colour sequence (ESC [ ... letter) at the beginning of `text`; 0 = none there.
std::size_t SequenceBytes(std::string_view text) {
  if (text.size() < 2 || text[0] != '\x1b' || text[1] != '[') return 0;
  std::size_t at = 2;
  while (at < text.size() && (text[at] < '@' || text[at] > '~')) ++at;
  return at < text.size() ? at + 1 : text.size();
}

// Bytes of the well-formed UTF-8 character at the beginning of `text`; 0 = none there.
std::size_t CharacterBytes(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  std::size_t bytes = 0;
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) bytes = 2;
  if (first >= 0xE0 && first < 0xF0) bytes = 3;
  if (first >= 0xF0 && first < 0xF5) bytes = 4;
  if (bytes == 0 || text.size() < bytes) return 0;
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return 0;
  }
  return bytes;
}

}  // namespace

std::size_t DisplayWidth(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    if (const std::size_t sequence = SequenceBytes(text)) {
      text.remove_prefix(sequence);
      continue;
    }
    const std::size_t bytes = CharacterBytes(text);
    text.remove_prefix(bytes == 0 ? 1 : bytes);
    ++width;
  }
  return width;
}

std::string CutTo(std::string_view text, std::size_t width, std::string_view ellipsis) {
  if (DisplayWidth(text) <= width) return std::string(text);
  if (width == 0) return "";
  const std::size_t mark = DisplayWidth(ellipsis);
  const std::size_t kept = width > mark ? width - mark : 0;
  std::string cut;
  bool coloured = false;
  for (std::size_t columns = 0; columns < kept;) {
    if (const std::size_t sequence = SequenceBytes(text)) {
      cut += text.substr(0, sequence);
      text.remove_prefix(sequence);
      coloured = true;
      continue;
    }
    const std::size_t bytes = std::max<std::size_t>(1, CharacterBytes(text));
    cut += text.substr(0, bytes);
    text.remove_prefix(bytes);
    ++columns;
  }
  cut += kept > 0 ? ellipsis : ellipsis.substr(0, 1);
  if (coloured) cut += "\x1b[0m";
  return cut;
}

std::vector<std::string> WrapTo(std::string_view text, std::size_t width) {
  std::vector<std::string> lines(1);
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t blanks = std::min(text.find_first_not_of(' '), text.size());
    std::string_view word = text.substr(blanks, text.find(' ', blanks) - blanks);
    text.remove_prefix(blanks + word.size());
    if (word.empty()) break;
    std::size_t columns = DisplayWidth(word);
    if (column > 0 && column + blanks + columns <= width) {
      lines.back() += std::string(blanks, ' ') + std::string(word);
      column += blanks + columns;
      continue;
    }
    if (column > 0) lines.emplace_back();
    for (; columns > width && width > 0; columns -= width) {
      const std::string part = CutTo(word, width, "");
      lines.back() = part;
      lines.emplace_back();
      word.remove_prefix(part.size());
    }
    lines.back() = word;
    column = columns;
  }
  return lines;
}

std::string PadRight(std::string_view text, std::size_t width) {
  const std::size_t taken = DisplayWidth(text);
  return std::string(text) + std::string(width > taken ? width - taken : 0, ' ');
}

std::string PadLeft(std::string_view text, std::size_t width) {
  const std::size_t taken = DisplayWidth(text);
  return std::string(width > taken ? width - taken : 0, ' ') + std::string(text);
}

std::string Printable(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const std::size_t count = CharacterBytes(bytes);
    const auto first = static_cast<unsigned char>(bytes[0]);
    // C1 controls are two bytes in UTF-8 and some terminals obey them.
    const bool is_c1 = count == 2 && first == 0xC2 && static_cast<unsigned char>(bytes[1]) < 0xA0;
    const bool is_control = count == 1 && (first < 0x20 || first == 0x7F) && first != '\t';
    if (count == 0 || is_c1 || is_control) {
      text += '?';
    } else {
      text += bytes.substr(0, count);
    }
    bytes.remove_prefix(count == 0 ? 1 : count);
  }
  return text;
}

}  // namespace fusor::client
