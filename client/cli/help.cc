#include "client/cli/help.h"

#include <array>

#include "client/format/text.h"
#include "client/format/width.h"

namespace fusor::client {

namespace {

constexpr std::size_t kWidth = 96;

struct TopicTitle {
  Topic topic;
  std::string_view title;
};
constexpr std::array<TopicTitle, 6> kTopics = {{{Topic::kRun, "Run sweeps"},
                                                {Topic::kLook, "Look"},
                                                {Topic::kSteer, "Steer"},
                                                {Topic::kFiles, "Files"},
                                                {Topic::kCluster, "Cluster"},
                                                {Topic::kOther, "Other"}}};

// `text` broken into lines that start at column `indent`, the first after what stands there
// already.
std::string Wrapped(std::string_view text, std::size_t indent) {
  std::string out;
  std::size_t column = indent;
  for (const std::string& word : Split(text, ' ')) {
    const std::size_t width = DisplayWidth(word);
    if (column > indent && column + 1 + width > kWidth) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    }
    if (column > indent) {
      out += " ";
      ++column;
    }
    out += word;
    column += width;
  }
  return out + "\n";
}

std::string Entry(const std::string& left, std::size_t width, std::string_view help) {
  const std::size_t indent = width + 4;
  if (DisplayWidth(left) > width) {
    return "  " + left + "\n" + std::string(indent, ' ') + Wrapped(help, indent);
  }
  return "  " + PadRight(left, width) + "  " + Wrapped(help, indent);
}

std::string OptionWords(const OptionSpec& option) {
  std::string words = option.letter != 0 ? std::string("-") + option.letter + ", " : "";
  words += "--" + option.name;
  if (option.takes != Takes::kNothing) {
    words += " " + (option.value_name.empty() ? std::string("TEXT") : option.value_name);
  }
  return words;
}

std::string OutputNames(const CommandSpec& command) {
  std::vector<std::string> names;
  for (const Output output : command.outputs) names.emplace_back(OutputName(output));
  return Join(names, "|");
}

}  // namespace

std::string OverviewText(const std::vector<CommandSpec>& commands) {
  std::string out =
      "fusor: training sweeps from one YAML file.\n\nusage: fusor COMMAND [ARGUMENTS] [OPTIONS]\n";
  for (const auto& [topic, title] : kTopics) {
    out += "\n" + std::string(title) + "\n";
    for (const CommandSpec& command : commands) {
      if (command.topic == topic) out += Entry(command.name, 12, command.help);
    }
  }
  out += "\nOptions of every command\n";
  for (const OptionSpec& option : GlobalOptionSpecs()) {
    out += Entry(OptionWords(option), 20, option.help);
  }
  out += Entry("-h, --help", 20, "help for a command: fusor COMMAND --help");
  out +=
      "\nSweeps: a number, `last`, or the beginning of a name. Trials: SWEEP.STAGE.INDEX, e.g. "
      "last.experts.3.\n"
      "Exit codes: 0 done, 1 a trial did not succeed, 2 bad input, 3 coordinator not reachable,\n"
      "4 results are not what the sweep's `expect` says, 130 Ctrl-C.\n";
  return out;
}

std::string HelpText(const CommandSpec& command) {
  std::string usage = "usage: fusor " + command.name;
  for (const ArgumentSpec& argument : command.arguments) {
    const std::string word = argument.name + (argument.many ? "..." : "");
    usage += argument.required ? " " + word : " [" + word + "]";
  }
  std::string out = usage + " [OPTIONS]\n\n" + Wrapped(command.help, 0);
  std::vector<std::pair<std::string, std::string>> entries;
  for (const ArgumentSpec& argument : command.arguments) {
    entries.emplace_back(argument.name, argument.help);
  }
  for (const OptionSpec& option : command.options) {
    entries.emplace_back(OptionWords(option), option.help);
  }
  if (command.outputs.size() > 1) {
    entries.emplace_back(TakesLetterO(command) ? "--output FORM" : "-o, --output FORM",
                         "how to print: " + OutputNames(command));
  }
  std::size_t width = 0;
  for (const auto& [left, help] : entries) {
    if (DisplayWidth(left) <= 26) width = std::max(width, DisplayWidth(left));
  }
  if (!entries.empty()) out += "\n";
  for (const auto& [left, help] : entries) out += Entry(left, width, help);
  if (!command.notes.empty()) out += "\n" + command.notes;
  return out +
         "\n--data, --coordinator, --token-file and --no-color go with every command: fusor "
         "--help\n";
}

}  // namespace fusor::client
