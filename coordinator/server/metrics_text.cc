#include "coordinator/server/metrics_text.h"

#include <cmath>
#include <sstream>

namespace fusor {

namespace {

class Text {
 public:
  void Head(const std::string& name, const char* type, const char* help) {
    out_ << "# HELP fusor_" << name << ' ' << help << "\n# TYPE fusor_" << name << ' ' << type
         << '\n';
  }
  template <class Number>
  void Sample(const std::string& name, const std::string& labels, Number value) {
    out_ << "fusor_" << name << labels << ' ' << value << '\n';
  }
  template <class Number>
  void One(const std::string& name, const char* type, const char* help, Number value) {
    Head(name, type, help);
    Sample(name, "", value);
  }
  void Seconds(const std::string& name, const char* help, const Histogram& histogram) {
    Head(name, "histogram", help);
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < Histogram::kBuckets; ++i) {
      total += histogram.count(i);
      std::ostringstream bound;
      if (std::isinf(Histogram::Bound(i))) {
        bound << "+Inf";
      } else {
        bound << Histogram::Bound(i);
      }
      Sample(name + "_bucket", "{le=\"" + bound.str() + "\"}", total);
    }
    Sample(name + "_sum", "", histogram.sum_seconds());
    Sample(name + "_count", "", total);
  }
  std::string Take() { return out_.str(); }

 private:
  std::ostringstream out_;
};

void AddCluster(const ClusterNumbers& cluster, Text& text) {
  text.Head("trials", "gauge", "Trials of all sweeps by state.");
  for (int i = 0; i < kTrialStates; ++i) {
    const std::string state(Name(static_cast<TrialState>(i)));
    text.Sample("trials", "{state=\"" + state + "\"}", cluster.trials[static_cast<std::size_t>(i)]);
  }
  text.Head("workers", "gauge", "Workers by state.");
  for (const auto& [state, count] : cluster.workers) {
    text.Sample("workers", "{state=\"" + state + "\"}", count);
  }
  text.One("slots", "gauge", "Slots of the workers known.", cluster.slots);
  text.One("slots_busy", "gauge", "Slots that an attempt holds.", cluster.slots_busy);
  text.One("slots_unusable", "gauge", "Slots that are quarantined or stuck.",
           cluster.slots_unusable);
  text.One("sweeps", "gauge", "Sweeps, finished ones too.", cluster.sweeps);
}

void AddLoop(const Stats& stats, Text& text) {
  text.One("loop_turns_total", "counter", "Turns of the loop.", stats.turns.load());
  text.One("loop_events_total", "counter", "Events that the core has applied.",
           stats.events.load());
  text.One("loop_queue", "gauge", "Inputs that wait for the loop.", stats.loop_queue.load());
  text.One("state_writes_total", "counter", "Rows written to state.db.", stats.writes.load());
  text.One("state_commit_failures_total", "counter", "Commits of state.db that failed.",
           stats.state_commit_failures.load());
  text.Seconds("state_commit_seconds", "Time of a synced commit of state.db.", stats.state_commit);
  text.One("state_wal_bytes", "gauge", "Write-ahead log of state.db.",
           stats.state_wal_bytes.load());
}

void AddMetrics(const Stats& stats, Text& text) {
  text.One("metric_points_total", "counter", "Metric points stored.", stats.metric_points.load());
  text.One("metric_batches_total", "counter", "Runs of facts stored in metrics.db.",
           stats.metric_batches.load());
  text.One("metrics_queue_bytes", "gauge", "Facts that wait for metrics.db.",
           stats.metrics_queue_bytes.load());
  text.One("metrics_commit_failures_total", "counter", "Commits of metrics.db that failed.",
           stats.metrics_commit_failures.load());
  text.Seconds("metrics_commit_seconds", "Time of a synced commit of metrics.db.",
               stats.metrics_commit);
  text.One("metrics_wal_bytes", "gauge", "Write-ahead log of metrics.db.",
           stats.metrics_wal_bytes.load());
  text.One("facts_fenced_total", "counter", "Facts refused: their attempt is not current.",
           stats.facts_fenced.load());
}

}  // namespace

ClusterNumbers CountCluster(const Core& core) {
  ClusterNumbers numbers;
  const CoreView view = core.View();
  for (const WorkerView& worker : view.workers) {
    const char* state = !worker.connected ? "away" : worker.draining ? "draining" : "connected";
    ++numbers.workers[state];
    for (const SlotView& slot : worker.slots) {
      ++numbers.slots;
      if (slot.attempt) ++numbers.slots_busy;
      if (!slot.condition.empty()) ++numbers.slots_unusable;
    }
  }
  numbers.sweeps = view.sweeps.size();
  for (const SweepId sweep : view.sweeps) {
    for (const SweepView::Stage& stage : core.ViewSweep(sweep).stages) {
      for (std::size_t i = 0; i < stage.counts.size(); ++i) numbers.trials[i] += stage.counts[i];
    }
  }
  return numbers;
}

std::string MetricsText(const Stats& stats, const Health& health, const ClusterNumbers* cluster) {
  Text text;
  text.One("serving", "gauge", "1 while the daemon can do its work.", health.serving() ? 1 : 0);
  if (cluster != nullptr) AddCluster(*cluster, text);
  AddLoop(stats, text);
  AddMetrics(stats, text);
  text.One("sessions", "gauge", "Open streams of workers.", stats.sessions.load());
  text.One("sessions_refused_total", "counter", "Streams closed for what they sent.",
           stats.sessions_refused.load());
  text.One("watchers", "gauge", "Open Watch calls.", stats.watchers.load());
  text.One("reads_total", "counter", "Calls answered by reader threads.", stats.reads.load());
  text.One("reads_refused_total", "counter", "Calls refused because too many waited.",
           stats.reads_refused.load());
  text.One("unauthenticated_total", "counter", "Calls without the token.",
           stats.calls_unauthenticated.load());
  text.One("http_refused_total", "counter", "HTTP requests that were none, or too large.",
           stats.http_refused.load());
  return text.Take();
}

}  // namespace fusor
