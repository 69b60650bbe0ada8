#include "trainer/process/output_option.h"

#include "common/recipe/suggest.h"

namespace fusor {

Result<bool> ReadOutput(std::span<const char* const> arguments, std::size_t& at,
                        OutputFormat& format) {
  const std::string_view option = arguments[at];
  if (option != "-o" && option != "--output") return false;
  const std::string_view name = at + 1 < arguments.size() ? arguments[++at] : "";
  if (name == "table") {
    format = OutputFormat::kTable;
  } else if (name == "json") {
    format = OutputFormat::kJson;
  } else if (name == "csv") {
    format = OutputFormat::kCsv;
  } else {
    return InvalidArgument(std::string(option) + ": " + NotOneOf(name, {"table", "json", "csv"}));
  }
  return true;
}

std::string CsvField(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

}  // namespace fusor
