#include "client/terminal/screen.h"

#include <ostream>

#include "client/format/width.h"

namespace fusor::client {

std::string Screen::UpAndClear() const {
  if (drawn_.empty()) return "";
  return "\r\x1b[" + std::to_string(drawn_.size()) + "A\x1b[J";
}

void Screen::Draw(const std::vector<std::string>& lines) {
  const Terminal terminal = environment_.terminal();
  std::vector<std::string> fitting;
  for (const std::string& line : lines) {
    if (terminal.rows > 1 && fitting.size() + 1 >= terminal.rows) break;
    fitting.push_back(CutTo(line, terminal.columns, ""));
  }
  // One write per frame: nothing flickers.
  std::string frame = hides_cursor_ ? "" : "\x1b[?25l";
  hides_cursor_ = true;
  frame += UpAndClear();
  for (const std::string& line : fitting) frame += line + "\n";
  drawn_ = std::move(fitting);
  *environment_.out << frame << std::flush;
}

void Screen::PrintAbove(const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  std::string frame = UpAndClear();
  for (const std::string& line : lines) frame += line + "\n";
  for (const std::string& line : drawn_) frame += line + "\n";
  *environment_.out << frame << std::flush;
}

void Screen::Leave() {
  drawn_.clear();
  if (!hides_cursor_) return;
  hides_cursor_ = false;
  *environment_.out << "\x1b[?25h" << std::flush;
}

void Screen::Erase() {
  *environment_.out << UpAndClear();
  drawn_.clear();
  Leave();
}

}  // namespace fusor::client
