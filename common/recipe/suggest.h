#pragma once

// "Did you mean ...?": the one place that finds the nearest right name.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fusor {

// The candidate nearest to `name` by edit distance (a swap of neighbours counts once, case and
// '-' for '_' count nothing), the first of equals; nothing when none is near enough to be meant.
std::optional<std::string> Nearest(std::string_view name,
                                   const std::vector<std::string>& candidates);

// The end of a refusal of `name`: "; did you mean 'epochs'?", or "; one of a, b, c" when nothing is
// near and the list is short, or nothing.
std::string Suggestion(std::string_view name, const std::vector<std::string>& candidates);

// "'fp33' is not one of fp32, bf16; did you mean 'fp32'?"
std::string NotOneOf(std::string_view name, const std::vector<std::string>& names);

// "a, b, c"
std::string JoinNames(const std::vector<std::string>& names);

// The parts between commas, without the blanks around them; none of an empty text.
std::vector<std::string> SplitList(std::string_view text);

}  // namespace fusor
