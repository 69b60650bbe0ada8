#include "client/cli/completion.h"

#include "client/format/text.h"
#include "common/recipe/suggest.h"

namespace fusor::client {

namespace {

std::string Names(const std::vector<CommandSpec>& commands) {
  std::vector<std::string> names;
  names.reserve(commands.size());
  for (const CommandSpec& command : commands) names.push_back(command.name);
  return Join(names, " ");
}

// The command's own options, those of every command, and --output where there is a choice.
std::vector<OptionSpec> AllOptions(const CommandSpec& command) {
  std::vector<OptionSpec> all = command.options;
  for (const OptionSpec& option : GlobalOptionSpecs()) all.push_back(option);
  if (command.outputs.size() < 2) return all;
  OptionSpec output = {.name = "output", .takes = Takes::kText, .help = "how to print"};
  if (!TakesLetterO(command)) output.letter = 'o';
  for (const Output each : command.outputs) output.choices.emplace_back(OutputName(each));
  all.push_back(std::move(output));
  return all;
}

// "--tail -n": the words that mean the option, parted by `between`.
std::string OptionWords(const OptionSpec& option, std::string_view between) {
  std::string words = "--" + option.name;
  if (option.letter != 0) words += std::string(between) + "-" + option.letter;
  return words;
}

// The body of the case that offers the value of an option; `list` holds the function's answer.
std::string ValueCase(const OptionSpec& option) {
  if (!option.choices.empty()) return "_fusor_offer " + Join(option.choices, " ");
  if (option.takes == Takes::kDirectory) return "_fusor_files -d";
  if (option.takes == Takes::kFile) return "_fusor_files -f";
  return ":";
}

std::string ArgumentCase(Completes completes) {
  switch (completes) {
    case Completes::kFile:
      return "_fusor_files -f";
    case Completes::kSweep:
      return "_fusor_sweeps";
    case Completes::kTrial:
    case Completes::kSweepOrTrial:
      return "_fusor_trials";
    case Completes::kRecipe:
      return "_fusor_list recipes -o id";
    case Completes::kWorker:
      return "_fusor_list workers -o id";
    case Completes::kShell:
      return "_fusor_offer bash zsh fish";
    case Completes::kSetting:
      return "_fusor_offer priority= max_running=";
    case Completes::kDataAction:
      return "_fusor_offer ls fetch";
    case Completes::kDataset:
      return "_fusor_list data ls -o id";
    case Completes::kNothing:
      return ":";
  }
  return ":";
}

// Helpers of the bash function. What the coordinator says is compared, never evaluated: a worker's
// name is somebody else's text. `target` is --data and the like of the command line itself.
constexpr std::string_view kBashHelpers = R"bash(_fusor_offer() {
  local each
  for each in "$@"; do [[ $each == "$word"* ]] && COMPREPLY+=("$each"); done
}
_fusor_files() {
  compopt -o filenames 2>/dev/null
  local each
  while IFS= read -r each; do COMPREPLY+=("$each"); done < <(compgen "$1" -- "$word")
}
_fusor_list() {
  local each
  while IFS= read -r each; do _fusor_offer "$each"; done \
    < <("$program" "$@" "${target[@]}" 2>/dev/null </dev/null)
}
_fusor_sweeps() {
  local id name rest
  _fusor_offer last
  while IFS=, read -r id name rest; do [[ $id == id ]] || _fusor_offer "$id" "$name"; done \
    < <("$program" ls -o csv "${target[@]}" 2>/dev/null </dev/null)
}
_fusor_trials() {
  if [[ $word != *.* ]]; then
    compopt -o nospace 2>/dev/null
    _fusor_sweeps
    return
  fi
  local sweep=${word%%.*} each
  while IFS= read -r each; do _fusor_offer "$sweep.${each#*.}"; done \
    < <("$program" trials "$sweep" --limit 1000 -o id "${target[@]}" 2>/dev/null </dev/null)
}
)bash";

// Finds the command, the place of the word among its arguments, and the option before the word.
// bash parts "--state=failed" into three words.
constexpr std::string_view kBashBegin = R"bash(_fusor() {
  local word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]}
  local program=${COMP_WORDS[0]} command='' each i place=0
  local -a target=()
  COMPREPLY=()
  [[ $program == '~/'* ]] && program=$HOME/${program#'~/'}
  if [[ $word == '=' ]]; then
    word=''
  elif [[ $last == '=' ]]; then
    last=${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    each=${COMP_WORDS[i]}
    case $each in
      --data|--coordinator|--token-file)
        if ((i + 1 < COMP_CWORD)); then target+=("$each" "${COMP_WORDS[i+1]}"); fi
        ((i++))
        ;;
      -*) if _fusor_takes_value "$command" "$each"; then ((i++)); fi ;;
      '=') ;;
      *) if [[ -z $command ]]; then command=$each; else ((place++)); fi ;;
    esac
  done
)bash";

std::string BashTakesValue(const std::vector<CommandSpec>& commands) {
  std::string out = "_fusor_takes_value() {\n  case \"$1 $2\" in\n";
  for (const CommandSpec& command : commands) {
    std::vector<std::string> words;
    for (const OptionSpec& option : AllOptions(command)) {
      if (option.takes == Takes::kNothing) continue;
      words.push_back("'" + command.name + " " + OptionWords(option, "'|'" + command.name + " ") +
                      "'");
    }
    if (!words.empty()) out += "    " + Join(words, "|") + ") return 0 ;;\n";
  }
  return out + "  esac\n  return 1\n}\n";
}

std::string BashCommand(const CommandSpec& command) {
  std::string out = "    " + command.name + ")\n      case $last in\n";
  std::string names;
  for (const OptionSpec& option : AllOptions(command)) {
    names += "--" + option.name + " ";
    if (option.takes == Takes::kNothing) continue;
    out += "        " + OptionWords(option, "|") + ") " + ValueCase(option) + "; return ;;\n";
  }
  out += "      esac\n      if [[ $word == -* ]]; then\n        _fusor_offer " + names +
         "--help\n        return\n      fi\n      case $place in\n";
  for (std::size_t i = 0; i < command.arguments.size(); ++i) {
    const ArgumentSpec& argument = command.arguments[i];
    out += "        " + (argument.many ? "*" : std::to_string(i)) + ") " +
           ArgumentCase(argument.completes) + " ;;\n";
  }
  return out + "      esac\n      ;;\n";
}

// bash and zsh share these functions; zsh runs them through bashcompinit.
std::string BashScript(const std::vector<CommandSpec>& commands) {
  std::string out = "# Completion of fusor for bash: source <(fusor completion bash)\n";
  out += kBashHelpers;
  out += BashTakesValue(commands);
  out += kBashBegin;
  out += "  case $command in\n    '')\n      case $last in\n";
  std::string names;
  for (const OptionSpec& option : GlobalOptionSpecs()) {
    names += "--" + option.name + " ";
    if (option.takes == Takes::kNothing) continue;
    out += "        " + OptionWords(option, "|") + ") " + ValueCase(option) + "; return ;;\n";
  }
  out += "      esac\n      if [[ $word == -* ]]; then\n        _fusor_offer " + names +
         "--help\n      else\n        _fusor_offer " + Names(commands) + "\n      fi\n      ;;\n";
  for (const CommandSpec& command : commands) out += BashCommand(command);
  return out + "  esac\n}\ncomplete -F _fusor fusor\n";
}

std::string Quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

std::string FishOption(const CommandSpec& command, const OptionSpec& option) {
  std::string line =
      "complete -c fusor -n '__fish_seen_subcommand_from " + command.name + "' -l " + option.name;
  if (option.letter != 0) line += std::string(" -s ") + option.letter;
  if (!option.choices.empty()) {
    line += " -x -a " + Quoted(Join(option.choices, " "));
  } else if (option.takes == Takes::kFile || option.takes == Takes::kDirectory) {
    line += " -r -F";
  } else if (option.takes != Takes::kNothing) {
    line += " -x";
  }
  return line + " -d " + Quoted(option.help) + "\n";
}

// What fish offers for an argument: words, or how to list them.
std::string FishWords(Completes completes) {
  switch (completes) {
    case Completes::kSweep:
    case Completes::kTrial:
    case Completes::kSweepOrTrial:
      return " -a '(echo last; fusor ls -o id 2>/dev/null)'";
    case Completes::kRecipe:
      return " -a '(fusor recipes -o id 2>/dev/null)'";
    case Completes::kWorker:
      return " -a '(fusor workers -o id 2>/dev/null)'";
    case Completes::kShell:
      return " -a 'bash zsh fish'";
    case Completes::kSetting:
      return " -a 'priority= max_running='";
    case Completes::kDataAction:
      return " -a 'ls fetch'";
    case Completes::kDataset:
      return " -a '(fusor data ls -o id 2>/dev/null)'";
    case Completes::kFile:
      return " -F";
    case Completes::kNothing:
      return "";
  }
  return "";
}

std::string FishScript(const std::vector<CommandSpec>& commands) {
  std::string out =
      "# Completion of fusor for fish: fusor completion fish | source\n"
      "complete -c fusor -f\n";
  for (const CommandSpec& command : commands) {
    out += "complete -c fusor -n __fish_use_subcommand -a " + command.name + " -d " +
           Quoted(command.help) + "\n";
    for (const OptionSpec& option : AllOptions(command)) out += FishOption(command, option);
    for (const ArgumentSpec& argument : command.arguments) {
      const std::string words = FishWords(argument.completes);
      if (words.empty()) continue;
      out +=
          "complete -c fusor -n '__fish_seen_subcommand_from " + command.name + "'" + words + "\n";
    }
  }
  return out;
}

}  // namespace

Result<std::string> CompletionScript(const std::vector<CommandSpec>& commands,
                                     std::string_view shell) {
  if (shell == "bash") return BashScript(commands);
  if (shell == "zsh") {
    return "#compdef fusor\n# Completion of fusor for zsh: source <(fusor completion zsh)\n"
           "autoload -U +X bashcompinit && bashcompinit\n" +
           BashScript(commands);
  }
  if (shell == "fish") return FishScript(commands);
  return InvalidArgument("no completion for '" + std::string(shell) + "'" +
                         Suggestion(shell, {"bash", "zsh", "fish"}));
}

}  // namespace fusor::client
