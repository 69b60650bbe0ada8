#pragma once

// One list, four forms: a table for people, JSON, CSV and bare ids. A cell holds the value for
// programs and, where it differs, the text for people.

#include <cstddef>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/format/json.h"
#include "client/format/look.h"
#include "common/base/status.h"

namespace fusor::client {

enum class Output { kTable, kJson, kCsv, kId, kMarkdown };
std::optional<Output> OutputFromName(std::string_view name);
std::string_view OutputName(Output output);

enum class Show {
  kAlways,
  kData,   // in JSON and CSV only
  kPeople  // in the table only
};

struct Column {
  std::string key;    // in JSON and CSV; "axes.model" is a member of the object "axes" in JSON
  std::string title;  // in the table
  bool right = false;
  bool flexible = false;  // may be cut to fit a narrow terminal
  Show show = Show::kAlways;
  bool wraps = false;  // of a flexible one: goes on below instead of being cut
};

struct Cell {
  Cell() = default;
  Cell(Json value_in, std::string text_in, Style style_in = Style::kPlain)
      : value(std::move(value_in)), text(std::move(text_in)), style(style_in) {}
  // The same for programs and people.
  Cell(std::string both) : value(both), text(std::move(both)) {}  // NOLINT: a text is a cell
  Cell(const char* both) : Cell(std::string(both)) {}             // NOLINT

  Json value;
  std::string text;
  Style style = Style::kPlain;
};

using Row = std::vector<Cell>;  // as long as the columns

struct Table {
  std::vector<Column> columns;
  std::vector<Row> rows;
  std::size_t id_column = 0;
};

// The table as aligned columns, a header above. Empty columns (no text in any row) are left out.
std::string RenderTable(const Table& table, const Look& look);

// Writes rows in a form as they come, so that a list of a million rows needs no memory. The form
// kTable holds them until Finish.
class TableWriter {
 public:
  TableWriter(std::ostream& out, Output output, const Look& look, Table header);

  void Add(Row row);
  void Finish();
  std::size_t rows() const { return rows_; }

 private:
  void AddJson(const Row& row);
  void AddCsv(const Row& row);

  std::ostream& out_;
  const Output output_;
  const Look look_;
  Table table_;
  std::size_t rows_ = 0;
};

void WriteTable(std::ostream& out, Output output, const Look& look, const Table& table);

// A field of a CSV line, quoted if it must be (RFC 4180).
std::string CsvField(std::string_view text);

// "name: value" lines with aligned values; pairs with an empty value are left out.
std::string RenderFields(const std::vector<std::pair<std::string, std::string>>& fields,
                         const Look& look);

}  // namespace fusor::client
