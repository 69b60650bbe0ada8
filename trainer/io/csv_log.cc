#include "trainer/io/csv_log.h"

#include <charconv>

#include "trainer/io/atomic_file.h"

namespace fusor {
namespace {

constexpr std::size_t kCsvBytesMax = 256 << 20;

}  // namespace

void CsvLog::Add(std::span<const Cell> row) {
  if (text_.empty()) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) text_ += ',';
      text_ += row[i].column;
    }
    text_ += '\n';
  }
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i > 0) text_ += ',';
    if (!row[i].text.empty()) {
      text_ += row[i].text;
      continue;
    }
    char buffer[32];
    text_.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, row[i].value).ptr);
  }
  text_ += '\n';
}

Status CsvLog::Write(const std::string& path) const { return WriteFileAtomically(path, text_); }

Status CsvLog::Load(const std::string& path) {
  auto text = ReadFile(path, kCsvBytesMax);
  if (!text.ok()) return text.status();
  text_ = std::move(*text);
  return Ok();
}

}  // namespace fusor
