#include "client/cli/parser.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <memory>

#include "client/cli/help.h"
#include "client/format/text.h"
#include "common/recipe/suggest.h"

namespace fusor::client {

namespace {

using Values = std::vector<std::string>;

// What CLI11 fills: one entry per declared name. Flags are counted apart.
struct Bound {
  std::map<std::string, Values> values;
  std::map<std::string, bool> flags;
};

std::string Words(const OptionSpec& option) {
  return (option.letter != 0 ? std::string("-") + option.letter + "," : "") + "--" + option.name;
}

void Bind(CLI::App& app, const OptionSpec& option, Bound& bound) {
  if (option.takes == Takes::kNothing) {
    app.add_flag(Words(option), bound.flags[option.name]);
    return;
  }
  CLI::Option* added = app.add_option(Words(option), bound.values[option.name]);
  added->expected(1)->allow_extra_args(false);
  added->multi_option_policy(option.repeatable ? CLI::MultiOptionPolicy::TakeAll
                                               : CLI::MultiOptionPolicy::TakeLast);
}

void Bind(CLI::App& app, const ArgumentSpec& argument, Bound& bound) {
  CLI::Option* added = app.add_option(argument.name, bound.values[argument.name]);
  if (argument.many) {
    added->expected(argument.required ? 1 : 0, CLI::detail::expected_max_vector_size);
  } else {
    added->expected(1)->allow_extra_args(false);
  }
  added->required(argument.required);
}

std::string SeeHelp(const CommandSpec* command) {
  return command == nullptr ? "\nfusor --help lists the commands"
                            : "\nfusor " + command->name + " --help explains it";
}

// The value of an option or the reason why it cannot be one.
Status CheckOption(const OptionSpec& option, const std::string& text) {
  const std::string name = "--" + option.name;
  if (!option.choices.empty() &&
      std::find(option.choices.begin(), option.choices.end(), text) == option.choices.end()) {
    return InvalidArgument(name + ": '" + text + "' is not known" +
                           Suggestion(text, option.choices));
  }
  if (option.takes == Takes::kCount) {
    std::uint64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || end != text.data() + text.size()) {
      return InvalidArgument(name + " takes a whole number, not '" + text + "'");
    }
  }
  if (option.takes == Takes::kDuration) {
    const Result<Duration> duration = ParseDuration(text);
    if (!duration.ok()) return InvalidArgument(name + ": " + duration.status().message());
  }
  return Ok();
}

Status Collect(const CommandSpec& command, const Bound& bound, Arguments& arguments) {
  for (const OptionSpec& option : command.options) {
    if (option.takes == Takes::kNothing) {
      if (bound.flags.at(option.name)) arguments.Put(option.name, {"true"});
      continue;
    }
    const Values& values = bound.values.at(option.name);
    for (const std::string& value : values) RETURN_IF_ERROR(CheckOption(option, value));
    if (!values.empty()) arguments.Put(option.name, values);
  }
  for (const ArgumentSpec& argument : command.arguments) {
    const Values& values = bound.values.at(argument.name);
    if (!values.empty()) arguments.Put(argument.name, values);
  }
  return Ok();
}

Status CollectOutput(const CommandSpec& command, const Values& given, GlobalOptions& global) {
  if (given.empty()) return Ok();
  const auto& outputs = command.outputs;
  global.output = OutputFromName(given.back());
  if (global.output && std::find(outputs.begin(), outputs.end(), *global.output) != outputs.end()) {
    return Ok();
  }
  if (outputs.size() == 1) {
    return InvalidArgument("fusor " + command.name + " prints one form only, without -o");
  }
  std::vector<std::string> names;
  for (const Output each : outputs) names.emplace_back(OutputName(each));
  return InvalidArgument("fusor " + command.name + " has no output form '" + given.back() + "'; " +
                         JoinNames(names));
}

// The first word that is no option and no option's value: what should have been the command.
std::string FirstPlainWord(const Values& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!words[i].starts_with("-")) return words[i];
    const std::string name = words[i].substr(words[i].find_first_not_of('-') == std::string::npos
                                                 ? words[i].size()
                                                 : words[i].find_first_not_of('-'));
    for (const OptionSpec& option : GlobalOptionSpecs()) {
      if (option.name == name && option.takes != Takes::kNothing) ++i;
    }
    if (words[i] == "-o") ++i;
  }
  return "";
}

std::vector<std::string> OptionNames(const std::vector<OptionSpec>& options) {
  std::vector<std::string> names;
  for (const OptionSpec& option : options) names.push_back("--" + option.name);
  for (const OptionSpec& option : GlobalOptionSpecs()) names.push_back("--" + option.name);
  return names;
}

std::string HasNoOption(const std::string& who, const std::string& word,
                        const std::vector<std::string>& names) {
  const auto nearest = Nearest(word, names);
  return who + " has no option " + word + (nearest ? "; did you mean " + *nearest + "?" : "");
}

// The words that the library could not place; nothing when it complains of something else.
std::optional<Values> ExtrasIn(const std::string& message) {
  for (const std::string& prefix : {std::string("The following arguments were not expected: "),
                                    std::string("The following argument was not expected: ")}) {
    if (message.starts_with(prefix)) return Split(message.substr(prefix.size()), ' ');
  }
  return std::nullopt;
}

// Words that fit nothing where no command was found: "fusor --quiet" or "fusor lss --quiet".
std::string UnknownCommand(const std::vector<CommandSpec>& commands, const Values& words,
                           const Values& extras) {
  if (words[0].starts_with("-") && std::count(extras.begin(), extras.end(), words[0]) > 0) {
    return HasNoOption("fusor", words[0], OptionNames({}));
  }
  std::vector<std::string> names;
  for (const CommandSpec& each : commands) names.push_back(each.name);
  const std::string word = FirstPlainWord(words);
  const auto nearest = Nearest(word, names);
  return "no command '" + word + "'" + (nearest ? "; did you mean '" + *nearest + "'?" : "");
}

// Words that the command does not take.
std::string Unexpected(const CommandSpec& command, const Values& extras) {
  const auto option = std::find_if(extras.begin(), extras.end(), [](const auto& each) {
    return each.size() > 1 && each.starts_with("-");
  });
  if (option == extras.end()) return "too many words: " + Join(extras, " ");
  return HasNoOption("fusor " + command.name, *option, OptionNames(command.options));
}

// The library's messages as sentences of ours.
std::string Explained(const std::string& message) {
  // "--data: 1 required TEXT missing"
  const std::size_t colon = message.find(": 1 required ");
  if (colon != std::string::npos) return message.substr(0, colon) + " takes a value";
  const std::string required = " is required";
  if (message.ends_with(required)) {
    return message.substr(0, message.size() - required.size()) + " is missing";
  }
  return message;
}

// "fusor help", "fusor help submit": what --help says, in the words of other programs.
bool AsksForHelp(const Values& words) { return !words.empty() && words[0] == "help"; }

// "fusor --version": the command of that name, in the words of other programs.
Values InOurWords(Values words) {
  if (!words.empty() && words[0] == "--version") words[0] = "version";
  return words;
}

// One reading of one command line.
class Reading {
 public:
  Reading(const std::vector<CommandSpec>& commands, const Values& words);

  Result<ParsedCommand> Finish() const;

 private:
  bool WantsHelp() const;
  Status Refusal() const;
  GlobalOptions Global() const;

  const std::vector<CommandSpec>& commands_;
  const Values& words_;
  CLI::App app_;
  Bound global_;
  std::vector<Bound> bounds_;  // one per command
  std::vector<CLI::App*> subs_;
  std::size_t chosen_ = 0;  // index of the command; the number of commands when there is none
  std::string refusal_;     // empty = the words fit
};

Reading::Reading(const std::vector<CommandSpec>& commands, const Values& words)
    : commands_(commands), words_(words), bounds_(commands.size()), chosen_(commands.size()) {
  app_.set_help_flag();
  for (const OptionSpec& option : GlobalOptionSpecs()) Bind(app_, option, global_);
  Bind(app_, OptionSpec{.name = "output", .letter = 'o', .takes = Takes::kText}, global_);
  Bind(app_, OptionSpec{.name = "help", .letter = 'h'}, global_);
  for (std::size_t i = 0; i < commands.size(); ++i) {
    CLI::App* sub = app_.add_subcommand(commands[i].name);
    sub->set_help_flag();
    sub->fallthrough();
    subs_.push_back(sub);
    for (const OptionSpec& option : commands[i].options) Bind(*sub, option, bounds_[i]);
    for (const ArgumentSpec& argument : commands[i].arguments) Bind(*sub, argument, bounds_[i]);
  }
  std::optional<std::string> error_text;
  try {
    app_.parse(Values(words.rbegin(), words.rend()));
  } catch (const CLI::ParseError& error) {
    error_text = error.what();
  }
  const auto parsed =
      std::find_if(subs_.begin(), subs_.end(), [](const CLI::App* sub) { return sub->parsed(); });
  chosen_ = static_cast<std::size_t>(parsed - subs_.begin());
  const CommandSpec* command = chosen_ < commands.size() ? &commands[chosen_] : nullptr;
  if (error_text) {
    const std::optional<Values> extras = ExtrasIn(*error_text);
    refusal_ = !extras              ? Explained(*error_text)
               : command == nullptr ? UnknownCommand(commands, words, *extras)
                                    : Unexpected(*command, *extras);
  } else if (command == nullptr) {
    refusal_ = "a command is missing";
  }
}

bool Reading::WantsHelp() const {
  return words_.empty() || global_.flags.at("help") ||
         std::any_of(words_.begin(), words_.end(),
                     [](const auto& word) { return word == "-h" || word == "--help"; });
}

Status Reading::Refusal() const {
  if (chosen_ < commands_.size()) {
    return InvalidArgument(refusal_ + SeeHelp(&commands_[chosen_]));
  }
  return InvalidArgument(refusal_ + SeeHelp(nullptr));
}

GlobalOptions Reading::Global() const {
  const auto last = [&](const char* name) {
    const Values& values = global_.values.at(name);
    return values.empty() ? std::string() : values.back();
  };
  GlobalOptions global;
  global.data = last("data");
  global.coordinator = last("coordinator");
  global.token_file = last("token-file");
  global.no_colour = global_.flags.at("no-color");
  return global;
}

Result<ParsedCommand> Reading::Finish() const {
  ParsedCommand parsed;
  if (AsksForHelp(words_)) {
    std::vector<std::string> rest(words_.begin() + 1, words_.end());
    rest.emplace_back("--help");
    return Reading(commands_, rest).Finish();
  }
  if (WantsHelp()) {
    parsed.help =
        chosen_ < commands_.size() ? HelpText(commands_[chosen_]) : OverviewText(commands_);
    return parsed;
  }
  if (!refusal_.empty()) return Refusal();
  const CommandSpec& command = commands_[chosen_];
  parsed.command = &command;
  parsed.global = Global();
  Status status = Collect(command, bounds_[chosen_], parsed.arguments);
  if (status.ok()) status = CollectOutput(command, global_.values.at("output"), parsed.global);
  if (!status.ok()) return InvalidArgument(status.message() + SeeHelp(&command));
  return parsed;
}

}  // namespace

Result<ParsedCommand> ParseCommandLine(const std::vector<CommandSpec>& commands,
                                       const std::vector<std::string>& words) {
  const Values ours = InOurWords(words);
  return Reading(commands, ours).Finish();
}

}  // namespace fusor::client
