#pragma once

// A command declared as data: its arguments, options and what it does. Parsing, help and shell
// completion all come from here.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/format/table.h"
#include "common/base/status.h"
#include "common/base/time.h"

namespace fusor::client {

class Session;

enum class Takes : std::uint8_t { kNothing, kText, kCount, kDuration, kFile, kDirectory };

// What a shell offers for a positional argument.
enum class Completes : std::uint8_t {
  kNothing,
  kFile,
  kSweep,
  kTrial,
  kSweepOrTrial,
  kRecipe,
  kWorker,
  kShell,
  kSetting,  // of `set`
  kDataAction,
  kDataset
};

struct OptionSpec {
  std::string name;  // "follow": --follow
  char letter = 0;   // 'f': -f
  Takes takes = Takes::kNothing;
  std::string value_name;  // "N", for the help
  std::string help;
  bool repeatable = false;
  std::vector<std::string> choices;  // allowed values, if they are few
};

struct ArgumentSpec {
  std::string name;  // "SWEEP"
  std::string help;
  bool required = true;
  bool many = false;  // takes all that follow; last only
  Completes completes = Completes::kNothing;
};

// What the commands are listed under in the help.
enum class Topic : std::uint8_t { kRun, kLook, kSteer, kFiles, kCluster, kOther };

// The exit codes of every command.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;  // trials failed, or something broke
inline constexpr int kExitBadInput = 2;
inline constexpr int kExitUnreachable = 3;
inline constexpr int kExitMissed = 4;  // every trial succeeded, but not as `expect` says
inline constexpr int kExitInterrupted = 130;

struct CommandSpec {
  std::string name;
  Topic topic = Topic::kOther;
  std::string help;  // one line
  std::vector<ArgumentSpec> arguments;
  std::vector<OptionSpec> options;
  std::vector<Output> outputs = {
      Output::kTable};  // forms that -o selects; the first is the default
  std::string notes;    // below the help: examples
  Result<int> (*run)(Session& session) = nullptr;  // the exit code
};

// True if -o is an option of the command itself, so that only --output selects the form.
bool TakesLetterO(const CommandSpec& command);

// The words of one command line, checked against the command's declaration.
class Arguments {
 public:
  bool Flag(std::string_view name) const { return values_.contains(name); }
  // The last value given; empty if none.
  std::string Text(std::string_view name) const;
  std::vector<std::string> List(std::string_view name) const;
  bool Has(std::string_view name) const { return values_.contains(name); }
  // Requires a value that the parser accepted for Takes::kCount.
  std::uint64_t Count(std::string_view name, std::uint64_t otherwise) const;
  std::optional<Duration> Time(std::string_view name) const;

  void Put(std::string name, std::vector<std::string> values);

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

// Options that every command has.
struct GlobalOptions {
  std::string data;         // --data
  std::string coordinator;  // --coordinator
  std::string token_file;   // --token-file
  bool no_colour = false;   // --no-color
  std::optional<Output> output;
};

const std::vector<OptionSpec>& GlobalOptionSpecs();

}  // namespace fusor::client
