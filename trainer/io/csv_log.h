#pragma once

// A table that grows by a row now and then. The file is replaced as a whole, so that it never holds
// half a row and an older hard link to it stays what it was.

#include <span>
#include <string>
#include <vector>

#include "common/base/status.h"

namespace fusor {

class CsvLog {
 public:
  struct Cell {
    std::string column;
    double value = 0;
    std::string text = {};  // in place of a value; without commas and quotes
  };

  // The first row's columns are the table's; a later row must have the same.
  void Add(std::span<const Cell> row);
  Status Write(const std::string& path) const;
  // Goes on with the rows of a file written before.
  Status Load(const std::string& path);

  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

}  // namespace fusor
