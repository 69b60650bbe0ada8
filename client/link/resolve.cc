#include "client/link/resolve.h"

#include <algorithm>
#include <charconv>

#include "common/base/count.h"
#include "common/recipe/suggest.h"

namespace fusor::client {

namespace {

bool IsNumber(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

constexpr std::size_t kCandidatesShown = 5;

Status Ambiguous(const std::string& word, const std::vector<NamedSweep>& matches) {
  std::string message = "'" + word + "' fits " + CountOf(matches.size(), "sweep") + ":";
  for (std::size_t i = 0; i < matches.size() && i < kCandidatesShown; ++i) {
    message += (i == 0 ? " " : ", ") + std::to_string(matches[i].id) + " (" + matches[i].name + ")";
  }
  if (matches.size() > kCandidatesShown) message += ", ...";
  return InvalidArgument(message + "\nuse the number, or `last` for the newest sweep");
}

}  // namespace

bool LooksLikeTrial(std::string_view word) {
  const std::size_t last = word.rfind('.');
  if (last == std::string_view::npos || last == 0) return false;
  std::uint64_t cell = 0;
  if (!IsNumber(word.substr(last + 1), cell)) return false;
  const std::size_t before = word.rfind('.', last - 1);
  return before != std::string_view::npos && before > 0 && before + 1 < last;
}

Result<std::uint64_t> PickSweep(const std::string& word, const std::vector<NamedSweep>& sweeps) {
  std::vector<NamedSweep> exact;
  std::vector<NamedSweep> beginning;
  std::vector<std::string> names;
  for (const NamedSweep& sweep : sweeps) {
    if (sweep.name == word) exact.push_back(sweep);
    if (sweep.name.starts_with(word)) beginning.push_back(sweep);
    names.push_back(sweep.name);
  }
  const std::vector<NamedSweep>& matches = exact.empty() ? beginning : exact;
  if (matches.size() == 1) return matches[0].id;
  if (matches.size() > 1) return Ambiguous(word, matches);
  const auto nearest = Nearest(word, names);
  return NotFound("no sweep '" + word + "'" +
                  (nearest ? "; did you mean '" + *nearest + "'?" : "") +
                  "\nfusor ls lists the sweeps");
}

Result<std::uint64_t> ResolveSweep(Api& api, const std::string& word) {
  std::uint64_t id = 0;
  if (IsNumber(word, id) && id > 0) return id;
  if (word == "last") {
    const Result<v1::GetSweepResponse> newest = api.Call(v1::GetSweepRequest());
    if (newest.ok()) return newest->sweep().id();
    if (newest.status().code() == Code::kNotFound) {
      return NotFound("there is no sweep yet\nfusor submit FILE makes one");
    }
    return newest.status();
  }
  std::vector<NamedSweep> sweeps;
  v1::ListSweepsRequest request;
  request.set_page_size(1'000);
  do {
    const Result<v1::ListSweepsResponse> page = api.Call(request);
    if (!page.ok()) return page.status();
    for (const v1::Sweep& sweep : page->sweeps()) sweeps.push_back({sweep.id(), sweep.name()});
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return PickSweep(word, sweeps);
}

Result<std::string> PickStage(const std::string& word, const std::vector<std::string>& stages) {
  std::vector<std::string> matches;
  for (const std::string& stage : stages) {
    if (stage == word) return stage;
    if (stage.starts_with(word)) matches.push_back(stage);
  }
  if (matches.size() == 1) return matches[0];
  if (matches.empty()) {
    return NotFound("the sweep has no stage '" + word + "'" + Suggestion(word, stages));
  }
  return InvalidArgument("'" + word + "' fits several stages: " + JoinNames(matches));
}

Result<std::string> ResolveTrial(Api& api, const std::string& word) {
  if (!LooksLikeTrial(word)) {
    return InvalidArgument("'" + word +
                           "' is no trial\na trial is SWEEP.STAGE.INDEX, e.g. last.experts.3; "
                           "fusor trials SWEEP lists them");
  }
  const std::size_t last = word.rfind('.');
  const std::size_t before = word.rfind('.', last - 1);
  const std::string stage_word = word.substr(before + 1, last - before - 1);
  const Result<std::uint64_t> sweep = ResolveSweep(api, word.substr(0, before));
  if (!sweep.ok()) return sweep.status();
  v1::GetSweepRequest request;
  request.set_sweep(*sweep);
  const Result<v1::GetSweepResponse> found = api.Call(request);
  if (!found.ok()) return found.status();
  std::vector<std::string> stages;
  for (const v1::StageStatus& stage : found->sweep().stages()) stages.push_back(stage.name());
  const Result<std::string> stage = PickStage(stage_word, stages);
  if (!stage.ok()) return stage.status();
  return std::to_string(*sweep) + "." + *stage + word.substr(last);
}

}  // namespace fusor::client
