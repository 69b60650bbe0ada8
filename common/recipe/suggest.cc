#include "common/recipe/suggest.h"

#include <algorithm>
#include <cctype>
#include <numeric>

namespace fusor {

namespace {

constexpr std::size_t kNameBytesMax = 64;  // longer names are no typing slips
constexpr std::size_t kListedMax = 24;

std::string Folded(std::string_view name) {
  std::string folded(name);
  for (char& c : folded) {
    c = c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return folded;
}

// Optimal string alignment distance.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

}  // namespace

std::optional<std::string> Nearest(std::string_view name,
                                   const std::vector<std::string>& candidates) {
  if (name.empty() || name.size() > kNameBytesMax) return std::nullopt;
  const std::string folded = Folded(name);
  std::optional<std::string> best;
  std::size_t best_distance = 0;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kNameBytesMax) continue;
    const std::string other = Folded(candidate);
    std::size_t distance = Distance(folded, other);
    // "batch" for "batch_size": the beginning of a name is a short form of it.
    const bool is_beginning = folded.size() >= 3 && other.starts_with(folded);
    if (is_beginning) distance = std::min<std::size_t>(distance, 2);
    const std::size_t longer = std::max(folded.size(), other.size());
    const std::size_t allowed = std::max<std::size_t>(1, longer / 3);
    if (!is_beginning && (distance > allowed || distance == longer)) continue;
    if (!best || distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string JoinNames(const std::vector<std::string>& names) {
  std::string joined;
  for (const std::string& name : names) {
    if (!joined.empty()) joined += ", ";
    joined += name;
  }
  return joined;
}

std::string NotOneOf(std::string_view name, const std::vector<std::string>& names) {
  std::string text = "'" + std::string(name) + "' is not one of " + JoinNames(names);
  if (const auto nearest = Nearest(name, names)) text += "; did you mean '" + *nearest + "'?";
  return text;
}

std::string Suggestion(std::string_view name, const std::vector<std::string>& candidates) {
  if (const auto nearest = Nearest(name, candidates)) return "; did you mean '" + *nearest + "'?";
  if (candidates.empty() || candidates.size() > kListedMax) return "";
  return "; one of " + JoinNames(candidates);
}

std::vector<std::string> SplitList(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view part = text.substr(0, comma);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    parts.emplace_back(part);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

}  // namespace fusor
