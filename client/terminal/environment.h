#pragma once

// What a run of `fusor` sees of the world: streams, terminal, variables, clock. Tests give their
// own.

#include <cstddef>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <map>
#include <string>

#include "client/format/look.h"
#include "common/base/time.h"

namespace fusor::client {

class Signals;

struct Terminal {
  bool is_terminal = false;
  std::size_t columns = 80;
  std::size_t rows = 24;
};

struct Environment {
  std::ostream* out = nullptr;
  std::ostream* err = nullptr;
  std::istream* in = nullptr;
  bool in_is_terminal = false;
  bool err_is_terminal = false;
  std::function<Terminal()> terminal;  // of `out`, as it is now
  std::map<std::string, std::string> variables;
  std::function<Time()> now;
  std::filesystem::path program;    // this program; its siblings lie beside it
  std::filesystem::path directory;  // the working directory
  Signals* signals = nullptr;       // null: Ctrl-C is not watched

  // Empty when unset.
  std::string Variable(const std::string& name) const;
};

// Colours: on a terminal with NO_COLOR unset, and not TERM=dumb.
Look LookOf(const Environment& environment, bool no_colour);

// The process's own.
Environment ProcessEnvironment(const char* program);

}  // namespace fusor::client
