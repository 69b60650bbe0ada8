#include "client/cli/spec.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "client/format/text.h"

namespace fusor::client {

std::string Arguments::Text(std::string_view name) const {
  const auto at = values_.find(name);
  return at == values_.end() || at->second.empty() ? std::string() : at->second.back();
}

std::vector<std::string> Arguments::List(std::string_view name) const {
  const auto at = values_.find(name);
  return at == values_.end() ? std::vector<std::string>() : at->second;
}

std::uint64_t Arguments::Count(std::string_view name, std::uint64_t otherwise) const {
  if (!Has(name)) return otherwise;
  const std::string text = Text(name);
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  CHECK(error == std::errc() && end == text.data() + text.size());
  return count;
}

std::optional<Duration> Arguments::Time(std::string_view name) const {
  if (!Has(name)) return std::nullopt;
  const Result<Duration> duration = ParseDuration(Text(name));
  CHECK(duration.ok());
  return *duration;
}

void Arguments::Put(std::string name, std::vector<std::string> values) {
  values_[std::move(name)] = std::move(values);
}

bool TakesLetterO(const CommandSpec& command) {
  return std::any_of(command.options.begin(), command.options.end(),
                     [](const OptionSpec& option) { return option.letter == 'o'; });
}

const std::vector<OptionSpec>& GlobalOptionSpecs() {
  static const std::vector<OptionSpec> kSpecs = {
      {.name = "data",
       .takes = Takes::kDirectory,
       .value_name = "DIR",
       .help = "the coordinator's data folder: its address and token are there (FUSOR_HOME; else "
               "./.fusor, ~/.fusor)"},
      {.name = "coordinator",
       .takes = Takes::kText,
       .value_name = "ADDR",
       .help = "the coordinator's address, HOST:PORT (FUSOR_COORDINATOR)"},
      {.name = "token-file",
       .takes = Takes::kFile,
       .value_name = "FILE",
       .help = "the file with the coordinator's token (FUSOR_TOKEN_FILE)"},
      {.name = "no-color", .help = "no colours; also NO_COLOR"},
  };
  return kSpecs;
}

}  // namespace fusor::client
