#pragma once

// Metric series of a trial, page by page.

#include <functional>
#include <string>
#include <vector>

#include "client/link/api.h"
#include "common/base/status.h"

namespace fusor::client {

Result<std::vector<v1::Series>> ListSeries(Api& api, const std::string& trial);

struct MetricQuestion {
  std::string trial;
  std::vector<std::string> names;  // empty = every series
  bool include_superseded = false;
};

// Gives the points series by series, in as many parts as they come. NotFound if a named series does
// not exist.
Status ReadPoints(Api& api, MetricQuestion question,
                  const std::function<void(const v1::Points&)>& take);

}  // namespace fusor::client
