#include "client/format/table.h"

#include <algorithm>
#include <ostream>

#include "client/format/text.h"
#include "client/format/width.h"

namespace fusor::client {

namespace {

constexpr std::string_view kGap = "  ";
constexpr std::size_t kFlexibleMin = 12;

struct Layout {
  std::vector<std::size_t> shown;   // indices of columns
  std::vector<std::size_t> widths;  // of those
};

Layout LayOut(const Table& table, const Look& look) {
  Layout layout;
  std::size_t total = 0;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    if (column.show == Show::kData) continue;
    std::size_t width = 0;
    for (const Row& row : table.rows) width = std::max(width, DisplayWidth(row[i].text));
    if (width == 0 && !table.rows.empty()) continue;
    width = std::max(width, DisplayWidth(column.title));
    layout.shown.push_back(i);
    layout.widths.push_back(width);
    total += width + kGap.size();
  }
  total -= std::min(total, kGap.size());
  // The widest flexible column gives a column at a time until the table fits.
  while (look.width > 0 && total > look.width) {
    std::size_t widest = layout.shown.size();
    for (std::size_t i = 0; i < layout.shown.size(); ++i) {
      if (!table.columns[layout.shown[i]].flexible || layout.widths[i] <= kFlexibleMin) continue;
      if (widest == layout.shown.size() || layout.widths[i] > layout.widths[widest]) widest = i;
    }
    if (widest == layout.shown.size()) break;
    --layout.widths[widest];
    --total;
  }
  return layout;
}

std::string LineEnd(std::string line) {
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line + "\n";
}

}  // namespace

std::optional<Output> OutputFromName(std::string_view name) {
  if (name == "table") return Output::kTable;
  if (name == "json") return Output::kJson;
  if (name == "csv") return Output::kCsv;
  if (name == "id") return Output::kId;
  if (name == "markdown") return Output::kMarkdown;
  return std::nullopt;
}

std::string_view OutputName(Output output) {
  switch (output) {
    case Output::kTable:
      return "table";
    case Output::kJson:
      return "json";
    case Output::kCsv:
      return "csv";
    case Output::kId:
      return "id";
    case Output::kMarkdown:
      return "markdown";
  }
  return "";
}

std::string RenderTable(const Table& table, const Look& look) {
  const Layout layout = LayOut(table, look);
  std::string out;
  // One line of the table; a cell that wraps has several.
  const auto row_lines = [&](auto&& text_of, auto&& style_of) {
    std::vector<std::vector<std::string>> cells;
    std::size_t lines = 1;
    for (std::size_t i = 0; i < layout.shown.size(); ++i) {
      const Column& column = table.columns[layout.shown[i]];
      const std::string& text = text_of(layout.shown[i]);
      cells.push_back(
          column.wraps ? WrapTo(text, layout.widths[i])
                       : std::vector<std::string>{CutTo(text, layout.widths[i], look.ellipsis())});
      lines = std::max(lines, cells.back().size());
    }
    for (std::size_t line = 0; line < lines; ++line) {
      std::string text;
      for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string cut = line < cells[i].size() ? cells[i][line] : "";
        const bool is_right = table.columns[layout.shown[i]].right;
        const std::string padded = is_right               ? PadLeft(cut, layout.widths[i])
                                   : i + 1 < cells.size() ? PadRight(cut, layout.widths[i])
                                                          : cut;
        if (i > 0) text += kGap;
        text += look.Paint(padded, style_of(layout.shown[i]));
      }
      out += LineEnd(std::move(text));
    }
  };
  row_lines([&](std::size_t i) -> const std::string& { return table.columns[i].title; },
            [](std::size_t) { return Style::kFaint; });
  for (const Row& row : table.rows) {
    row_lines([&](std::size_t i) -> const std::string& { return row[i].text; },
              [&](std::size_t i) { return row[i].style; });
  }
  return out;
}

TableWriter::TableWriter(std::ostream& out, Output output, const Look& look, Table header)
    : out_(out), output_(output), look_(look), table_(std::move(header)) {
  if (output_ == Output::kJson) out_ << "[";
  if (output_ == Output::kCsv) {
    bool first = true;
    for (const Column& column : table_.columns) {
      if (column.show == Show::kPeople) continue;
      out_ << (first ? "" : ",") << CsvField(column.key);
      first = false;
    }
    out_ << "\n";
  }
}

void TableWriter::AddJson(const Row& row) {
  Json object = Json::Object();
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (table_.columns[i].show == Show::kPeople) continue;
    const std::string_view key = table_.columns[i].key;
    const std::size_t dot = key.find('.');
    Json& holder = dot == std::string_view::npos ? object : object.At(key.substr(0, dot));
    holder.Set(dot == std::string_view::npos ? key : key.substr(dot + 1), row[i].value);
  }
  out_ << (rows_ == 0 ? "\n  " : ",\n  ") << object.Line();
}

void TableWriter::AddCsv(const Row& row) {
  bool first = true;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (table_.columns[i].show == Show::kPeople) continue;
    out_ << (first ? "" : ",") << CsvField(row[i].value.CsvText());
    first = false;
  }
  out_ << "\n";
}

void TableWriter::Add(Row row) {
  CHECK(row.size() == table_.columns.size());
  switch (output_) {
    case Output::kTable:
    case Output::kMarkdown:
      table_.rows.push_back(std::move(row));
      break;
    case Output::kJson:
      AddJson(row);
      break;
    case Output::kCsv:
      AddCsv(row);
      break;
    case Output::kId:
      out_ << row[table_.id_column].text << "\n";
      break;
  }
  ++rows_;
}

void TableWriter::Finish() {
  if (output_ == Output::kJson) out_ << (rows_ == 0 ? "]\n" : "\n]\n");
  if (output_ == Output::kTable || output_ == Output::kMarkdown) out_ << RenderTable(table_, look_);
  out_.flush();
}

void WriteTable(std::ostream& out, Output output, const Look& look, const Table& table) {
  Table header;
  header.columns = table.columns;
  header.id_column = table.id_column;
  TableWriter writer(out, output, look, std::move(header));
  for (const Row& row : table.rows) writer.Add(row);
  writer.Finish();
}

std::string CsvField(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string RenderFields(const std::vector<std::pair<std::string, std::string>>& fields,
                         const Look& look) {
  std::size_t width = 0;
  for (const auto& [name, value] : fields) {
    if (!value.empty()) width = std::max(width, DisplayWidth(name));
  }
  std::string out;
  for (const auto& [name, value] : fields) {
    if (value.empty()) continue;
    bool first = true;
    for (const std::string& line : Split(value, '\n')) {
      out += LineEnd(look.Paint(PadRight(first ? name : "", width), Style::kFaint) + "  " + line);
      first = false;
    }
  }
  return out;
}

}  // namespace fusor::client
