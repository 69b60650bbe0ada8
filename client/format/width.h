#pragma once

// Text on a terminal: how wide it is, cut or filled to a width, made harmless.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fusor::client {

// Columns that `text` takes on a terminal: code points, colour sequences not counted.
std::size_t DisplayWidth(std::string_view text);
// Cut to at most `width` columns, the last being `ellipsis` if something was cut. Colour sequences
// stay whole and are ended.
std::string CutTo(std::string_view text, std::size_t width, std::string_view ellipsis);
// Broken at blanks into lines of at most `width` columns; a longer word is broken anywhere. At
// least one line. For text without colours.
std::vector<std::string> WrapTo(std::string_view text, std::size_t width);
// Filled with blanks up to `width` columns.
std::string PadRight(std::string_view text, std::size_t width);
std::string PadLeft(std::string_view text, std::size_t width);

// Bytes of a trial made harmless for a terminal: control characters other than the tab become '?',
// bytes that are no UTF-8 too.
std::string Printable(std::string_view bytes);

}  // namespace fusor::client
