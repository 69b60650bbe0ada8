#include "client/terminal/environment.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <iostream>

extern char** environ;  // NOLINT: POSIX declares it nowhere

namespace fusor::client {

namespace {

Terminal TerminalOf(int descriptor) {
  Terminal terminal;
  terminal.is_terminal = isatty(descriptor) == 1;
  winsize size{};
  if (terminal.is_terminal && ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    terminal.columns = size.ws_col;
    terminal.rows = size.ws_row;
  }
  return terminal;
}

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// Does the locale say UTF-8? The first of the three that is set decides.
bool SaysUtf8(const Environment& environment) {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string value = Lower(environment.Variable(name));
    if (value.empty()) continue;
    return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return false;
}

}  // namespace

std::string Environment::Variable(const std::string& name) const {
  const auto at = variables.find(name);
  return at == variables.end() ? std::string() : at->second;
}

Look LookOf(const Environment& environment, bool no_colour) {
  const Terminal terminal = environment.terminal();
  Look look;
  look.colour = terminal.is_terminal && !no_colour && environment.Variable("NO_COLOR").empty() &&
                environment.Variable("TERM") != "dumb";
  look.unicode = SaysUtf8(environment);
  look.width = terminal.is_terminal ? terminal.columns : 0;
  return look;
}

Environment ProcessEnvironment(const char* program) {
  Environment environment;
  environment.out = &std::cout;
  environment.err = &std::cerr;
  environment.in = &std::cin;
  environment.in_is_terminal = isatty(STDIN_FILENO) == 1;
  environment.err_is_terminal = isatty(STDERR_FILENO) == 1;
  environment.terminal = [] { return TerminalOf(STDOUT_FILENO); };
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) {
      environment.variables[text.substr(0, equals)] = text.substr(equals + 1);
    }
  }
  environment.now = [] {
    return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  };
  std::error_code error;
  environment.program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) environment.program = program;
  environment.directory = std::filesystem::current_path(error);
  return environment;
}

}  // namespace fusor::client
