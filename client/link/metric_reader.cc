#include "client/link/metric_reader.h"

#include <algorithm>

#include "common/recipe/suggest.h"

namespace fusor::client {

namespace {

constexpr std::uint32_t kPage = 10'000;

}  // namespace

Result<std::vector<v1::Series>> ListSeries(Api& api, const std::string& trial) {
  std::vector<v1::Series> all;
  v1::ListMetricsRequest request;
  request.set_trial(trial);
  request.set_page_size(kPage);
  do {
    const Result<v1::ListMetricsResponse> page = api.Call(request);
    if (!page.ok()) return page.status();
    all.insert(all.end(), page->series().begin(), page->series().end());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return all;
}

Status ReadPoints(Api& api, MetricQuestion question,
                  const std::function<void(const v1::Points&)>& take) {
  const Result<std::vector<v1::Series>> series = ListSeries(api, question.trial);
  if (!series.ok()) return series.status();
  std::vector<std::string> known;
  for (const v1::Series& each : *series) known.push_back(each.name());
  for (const std::string& name : question.names) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return NotFound(question.trial + " has no metric '" + name + "'" + Suggestion(name, known));
    }
  }
  if (question.names.empty()) question.names = known;
  // One series at a time: the parts of a series come one after another.
  for (const std::string& name : question.names) {
    v1::ListMetricsRequest request;
    request.set_trial(question.trial);
    request.add_names(name);
    request.set_include_superseded(question.include_superseded);
    request.set_page_size(kPage);
    do {
      const Result<v1::ListMetricsResponse> page = api.Call(request);
      if (!page.ok()) return page.status();
      for (const v1::Points& points : page->points()) take(points);
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
  }
  return Ok();
}

}  // namespace fusor::client
