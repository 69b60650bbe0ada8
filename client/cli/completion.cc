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

std::vector<OptionSpec> AllOptions(const CommandSpec& command) {
  std::vector<OptionSpec> all = command.options;
  for (const OptionSpec& option : GlobalOptionSpecs()) all.push_back(option);
  return all;
}

std::string OptionWords(const CommandSpec& command) {
  std::string words;
  for (const OptionSpec& option : AllOptions(command)) words += "--" + option.name + " ";
  if (command.outputs.size() > 1) words += "--output ";
  return words + "--help";
}

// The shell words that list what an argument can be; empty = files or nothing.
std::string Lister(Completes completes) {
  switch (completes) {
    case Completes::kSweep:
      return "echo last; fusor ls -o id 2>/dev/null";
    case Completes::kRecipe:
      return "fusor recipes -o id 2>/dev/null";
    case Completes::kWorker:
      return "fusor workers -o id 2>/dev/null";
    case Completes::kShell:
      return "echo bash zsh fish";
    case Completes::kNothing:
    case Completes::kFile:
      return "";
  }
  return "";
}

// bash and zsh share one function; zsh runs it through bashcompinit.
std::string BashScript(const std::vector<CommandSpec>& commands) {
  std::string out =
      "# Completion of fusor for bash: source <(fusor completion bash)\n"
      "_fusor() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]} command='' i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    case ${COMP_WORDS[i]} in\n"
      "      --data|--coordinator|--token-file) ((i++)) ;;\n"
      "      -*) ;;\n"
      "      *) command=${COMP_WORDS[i]}; break ;;\n"
      "    esac\n"
      "  done\n"
      "  local commands='" +
      Names(commands) +
      "' options='' list=''\n"
      "  case $command in\n"
      "    '') COMPREPLY=($(compgen -W \"$commands --help\" -- \"$word\")); return ;;\n";
  for (const CommandSpec& command : commands) {
    out += "    " + command.name + ")\n      options='" + OptionWords(command) + "'\n";
    if (command.outputs.size() > 1) {
      out += "      [[ $last == -o || $last == --output ]] && list='echo table json csv id'\n";
    }
    for (const OptionSpec& option : command.options) {
      if (option.choices.empty()) continue;
      out += "      [[ $last == --" + option.name + " ]] && list='echo " +
             Join(option.choices, " ") + "'\n";
    }
    if (!command.arguments.empty()) {
      const std::string lister = Lister(command.arguments[0].completes);
      if (!lister.empty()) out += "      [[ -z $list ]] && list='" + lister + "'\n";
    }
    out += "      ;;\n";
  }
  out +=
      "  esac\n"
      "  if [[ $word == -* ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
      "  elif [[ -n $list ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$(eval \"$list\")\" -- \"$word\"))\n"
      "  else\n"
      "    COMPREPLY=($(compgen -f -- \"$word\"))\n"
      "  fi\n"
      "}\n"
      "complete -o filenames -F _fusor fusor\n";
  return out;
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

std::string FishScript(const std::vector<CommandSpec>& commands) {
  std::string out =
      "# Completion of fusor for fish: fusor completion fish | source\n"
      "complete -c fusor -f\n";
  for (const CommandSpec& command : commands) {
    out += "complete -c fusor -n __fish_use_subcommand -a " + command.name + " -d " +
           Quoted(command.help) + "\n";
    for (const OptionSpec& option : AllOptions(command)) out += FishOption(command, option);
    if (command.outputs.size() > 1) {
      out += "complete -c fusor -n '__fish_seen_subcommand_from " + command.name +
             "' -s o -l output -x -a 'table json csv id' -d 'how to print'\n";
    }
    if (command.arguments.empty()) continue;
    const std::string on = "complete -c fusor -n '__fish_seen_subcommand_from " + command.name;
    const std::string lister = Lister(command.arguments[0].completes);
    if (!lister.empty()) {
      const bool is_line = command.arguments[0].completes == Completes::kShell;
      out += on + "' -a '(" + (is_line ? "printf \"%s\\n\" bash zsh fish" : lister) + ")'\n";
    } else if (command.arguments[0].completes == Completes::kFile) {
      out += on + "' -F\n";
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
