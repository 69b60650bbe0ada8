#pragma once

// A block of lines at the end of the output that is drawn again in place. Lines printed above it
// stay.

#include <iosfwd>
#include <string>
#include <vector>

#include "client/terminal/environment.h"

namespace fusor::client {

class Screen {
 public:
  explicit Screen(const Environment& environment) : environment_(environment) {}
  ~Screen() { Leave(); }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // Replaces the block. Lines are cut to the terminal's width, and to as many as fit on it.
  void Draw(const std::vector<std::string>& lines);
  // Prints lines that stay, above the block.
  void PrintAbove(const std::vector<std::string>& lines);
  // Ends the block: it stays as it is and output goes on below.
  void Leave();
  // Ends the block and takes it away.
  void Erase();

 private:
  std::string UpAndClear() const;

  const Environment& environment_;
  std::vector<std::string> drawn_;
  bool hides_cursor_ = false;
};

}  // namespace fusor::client
