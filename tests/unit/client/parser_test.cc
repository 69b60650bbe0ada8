#include "client/cli/parser.h"

#include <gtest/gtest.h>

#include "client/cli/completion.h"
#include "client/commands/commands.h"

namespace fusor::client {
namespace {

Result<ParsedCommand> Parse(const std::vector<std::string>& words) {
  static const std::vector<CommandSpec> kCommands = AllCommands();
  return ParseCommandLine(kCommands, words);
}

std::string Refusal(const std::vector<std::string>& words) {
  const Result<ParsedCommand> parsed = Parse(words);
  EXPECT_FALSE(parsed.ok());
  return parsed.ok() ? "" : parsed.status().message();
}

TEST(Parser, ReadsArgumentsAndOptions) {
  const Result<ParsedCommand> parsed =
      Parse({"submit", "--set", "a=[1,2]", "f.yaml", "--set", "b=3", "-w", "-o", "json"});
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  EXPECT_EQ(parsed->command->name, "submit");
  EXPECT_EQ(parsed->arguments.Text("FILE"), "f.yaml");
  EXPECT_EQ(parsed->arguments.List("set"), (std::vector<std::string>{"a=[1,2]", "b=3"}));
  EXPECT_TRUE(parsed->arguments.Flag("wait"));
  EXPECT_EQ(parsed->global.output, Output::kJson);
}

TEST(Parser, GlobalOptionsStandAnywhere) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--data", "D", "--no-color", "ls"},
        std::vector<std::string>{"ls", "--data", "D", "--no-color"}}) {
    const Result<ParsedCommand> parsed = Parse(words);
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(parsed->global.data, "D");
    EXPECT_TRUE(parsed->global.no_colour);
    EXPECT_FALSE(parsed->global.output.has_value());
  }
}

TEST(Parser, ManyArgumentsAreAList) {
  const Result<ParsedCommand> parsed = Parse({"retry", "7.a.1", "7.a.2"});
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->arguments.List("SWEEP|TRIAL"), (std::vector<std::string>{"7.a.1", "7.a.2"}));
}

TEST(Parser, GetHasAFolderForO) {
  const Result<ParsedCommand> parsed = Parse({"get", "7", "-o", "runs", "--output", "json"});
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  EXPECT_EQ(parsed->arguments.Text("out"), "runs");
  EXPECT_EQ(parsed->global.output, Output::kJson);
}

TEST(Parser, DurationsAndCountsAreChecked) {
  const Result<ParsedCommand> parsed = Parse({"drain", "n1", "--deadline", "1h30m"});
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->arguments.Time("deadline"), Duration(5'400'000));
  EXPECT_EQ(Refusal({"drain", "n1", "--deadline", "soon"}),
            "--deadline: 'soon' is no duration; write 30s, 10m, 1h30m or 2d\n"
            "fusor drain --help explains it");
  EXPECT_EQ(Refusal({"trials", "7", "-n", "few"}),
            "--limit takes a whole number, not 'few'\nfusor trials --help explains it");
}

TEST(Parser, RefusalsNameTheNearestRightWord) {
  EXPECT_EQ(Refusal({"lss"}),
            "no command 'lss'; did you mean 'ls'?\nfusor --help lists the commands");
  EXPECT_EQ(Refusal({"--data", "x", "watc", "7"}),
            "no command 'watc'; did you mean 'watch'?\nfusor --help lists the commands");
  EXPECT_EQ(Refusal({"--dat", "x"}),
            "fusor has no option --dat; did you mean --data?\nfusor --help lists the commands");
  EXPECT_EQ(Refusal({"lss", "--sate", "x"}),
            "no command 'lss'; did you mean 'ls'?\nfusor --help lists the commands");
  EXPECT_EQ(Refusal({"--verbose"}),
            "fusor has no option --verbose\nfusor --help lists the commands");
  EXPECT_EQ(Refusal({"trials", "7", "--sate", "failed"}),
            "fusor trials has no option --sate; did you mean --state?\n"
            "fusor trials --help explains it");
  EXPECT_EQ(
      Refusal({"trials", "7", "--state", "faild"}),
      "--state: 'faild' is not known; did you mean 'failed'?\nfusor trials --help explains it");
  EXPECT_EQ(Refusal({"ls", "--data"}), "--data takes a value\nfusor ls --help explains it");
  EXPECT_EQ(Refusal({"show"}), "SWEEP is missing\nfusor show --help explains it");
  EXPECT_EQ(Refusal({"show", "1", "2"}), "too many words: 2\nfusor show --help explains it");
  EXPECT_EQ(
      Refusal({"version", "-o", "csv"}),
      "fusor version has no output form 'csv'; table, json\nfusor version --help explains it");
  EXPECT_EQ(
      Refusal({"completion", "bash", "-o", "csv"}),
      "fusor completion prints one form only, without -o\nfusor completion --help explains it");
}

TEST(Parser, HelpOfEveryCommand) {
  for (const CommandSpec& command : AllCommands()) {
    const Result<ParsedCommand> parsed = Parse({command.name, "--help"});
    ASSERT_TRUE(parsed.ok()) << command.name;
    EXPECT_TRUE(parsed->help.starts_with("usage: fusor " + command.name)) << parsed->help;
    EXPECT_NE(command.run, nullptr) << command.name;
  }
  EXPECT_NE(Parse({"--help"})->help.find("Run sweeps"), std::string::npos);
  EXPECT_EQ(Parse({"help"})->help, Parse({"--help"})->help);
  EXPECT_EQ(Parse({"help", "submit"})->help, Parse({"submit", "--help"})->help);
  EXPECT_NE(Parse({})->help.find("Run sweeps"), std::string::npos);
}

TEST(Parser, VersionIsAskedForInTwoWays) {
  const Result<ParsedCommand> parsed = Parse({"--version", "-o", "json"});
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->command->name, "version");
  EXPECT_EQ(parsed->global.output, Output::kJson);
}

TEST(Completion, NamesEveryCommandInEveryShell) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const Result<std::string> script = CompletionScript(AllCommands(), shell);
    ASSERT_TRUE(script.ok()) << shell;
    for (const CommandSpec& command : AllCommands()) {
      EXPECT_NE(script->find(command.name), std::string::npos) << shell << " " << command.name;
      for (const OptionSpec& option : command.options) {
        const std::string word =
            (shell == std::string("fish") ? command.name + "' -l " : "--") + option.name;
        EXPECT_NE(script->find(word), std::string::npos) << shell << " " << word;
      }
    }
  }
  EXPECT_EQ(CompletionScript(AllCommands(), "bsh").status().message(),
            "no completion for 'bsh'; did you mean 'bash'?");
}

}  // namespace
}  // namespace fusor::client
