#pragma once

// `--where "precision=bf16 && batch_size>=64"`: which trials a list shows.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "coordinator/core/grid.h"
#include "coordinator/core/spec.h"

namespace fusor {

// All terms must hold. Empty: everything passes.
struct Filter {
  enum class Operator : std::uint8_t {
    kEqual,
    kNotEqual,
    kLess,
    kLessOrEqual,
    kGreater,
    kGreaterOrEqual
  };
  struct Term {
    std::string name;
    Operator op = Operator::kEqual;
    std::string text;              // as written, without quotes
    std::optional<double> number;  // when the text is one
  };
  std::vector<Term> terms;
};

// Terms are NAME OP VALUE, joined by && or commas; OP is = == != < <= > >=; a VALUE with spaces,
// commas or operators stands in double quotes.
Result<Filter> ParseFilter(std::string_view text);

// Does the value satisfy the term? Numbers compare as numbers, bools and texts only by = and !=.
bool Satisfies(const Filter::Term& term, const Value& value);

// Refuses names that no stage has, with the nearest right one, and orderings of what has no order.
Status CheckFilter(const Filter& filter, const SweepSpec& sweep);

// A filter made ready for one stage: a look-up per term and cell. A stage without one of the names
// has no cell that passes. Holds a reference: the grid must outlive it.
class CellFilter {
 public:
  CellFilter(const Filter& filter, const Grid& grid);

  bool Matches(std::uint64_t cell) const;
  // No cell can match.
  bool MatchesNothing() const { return nothing_; }

 private:
  struct AxisTerm {
    std::size_t axis = 0;
    std::vector<bool> passes;  // by value index
  };

  const Grid& grid_;
  bool nothing_ = false;
  std::vector<AxisTerm> terms_;
};

}  // namespace fusor
