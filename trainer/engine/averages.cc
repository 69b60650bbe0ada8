#include "trainer/engine/averages.h"

#include <cmath>

namespace fusor {

void Averages::Add(std::span<const Metric> step) {
  const std::span<const Metric> others = step.subspan(1);
  names.clear();
  for (const Metric& metric : others) names.push_back(metric.name);
  values.resize(names.size());
  if (!std::isfinite(step[0].value)) return;
  loss += step[0].value;
  for (std::size_t i = 0; i < others.size(); ++i) values[i] += others[i].value;
  ++steps;
}

std::vector<Metric> Averages::Means() const {
  const auto mean = [&](double sum) { return sum / static_cast<double>(steps); };
  std::vector<Metric> means = {{"train/loss", mean(loss)}};
  for (std::size_t i = 0; i < names.size(); ++i) means.push_back({names[i], mean(values[i])});
  return means;
}

void Averages::Restart() {
  loss = 0;
  values.assign(names.size(), 0);
  steps = 0;
}

}  // namespace fusor
