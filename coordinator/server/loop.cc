#include "coordinator/server/loop.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

namespace fusor {

namespace asio = boost::asio;

struct Loop::Machinery {
  asio::io_context io{1};
  asio::steady_timer timer{io};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
};

namespace {

// Moves the queries among inputs[from..] to the end of `queries`; the others keep their order.
void TakeQueries(std::vector<Input>& inputs, std::size_t from, std::vector<Input>& queries) {
  const auto first = std::stable_partition(
      inputs.begin() + static_cast<std::ptrdiff_t>(from), inputs.end(),
      [](const Input& input) { return !std::holds_alternative<Query>(input); });
  queries.insert(queries.end(), std::make_move_iterator(first),
                 std::make_move_iterator(inputs.end()));
  inputs.erase(first, inputs.end());
}

}  // namespace

Loop::Loop(Options options, std::unique_ptr<Engine> engine, const Clock& clock, Stats& stats,
           Health& health)
    : options_(std::move(options)),
      engine_(std::move(engine)),
      stats_(stats),
      health_(health),
      machinery_(std::make_unique<Machinery>()),
      clock_(clock) {}

Loop::~Loop() { Stop(); }

void Loop::Start() {
  Wake();
  thread_ = std::thread([this] { machinery_->io.run(); });
}

bool Loop::Post(Input input, Admission admission) {
  bool wake = false;
  {
    const std::lock_guard lock(mu_);
    if (stopped_) return false;
    if (admission == Admission::kIfRoom && waiting_.load() >= options_.queue_max) return false;
    inbox_.push_back(std::move(input));
    stats_.loop_queue.store(++waiting_);
    wake = !std::exchange(scheduled_, true);
  }
  if (wake) asio::post(machinery_->io, [this] { Turn(); });
  return true;
}

bool Loop::PauseUntilDrained(std::function<void()> go_on) {
  const std::lock_guard lock(mu_);
  if (stopped_ || waiting_.load() < options_.queue_max) return false;
  paused_.push_back(std::move(go_on));
  return true;
}

void Loop::Wake() {
  {
    const std::lock_guard lock(mu_);
    if (std::exchange(scheduled_, true)) return;
  }
  asio::post(machinery_->io, [this] { Turn(); });
}

void Loop::Draw() {
  batch_.clear();
  std::vector<std::function<void()>> go_on;
  {
    const std::lock_guard lock(mu_);
    scheduled_ = false;
    if (next_ == drawn_.size()) {
      drawn_.clear();
      next_ = 0;
      drawn_.swap(inbox_);
    }
    const std::size_t count = std::min(options_.turn_max, drawn_.size() - next_);
    const auto first = drawn_.begin() + static_cast<std::ptrdiff_t>(next_);
    batch_.assign(std::make_move_iterator(first),
                  std::make_move_iterator(first + static_cast<std::ptrdiff_t>(count)));
    next_ += count;
    waiting_ -= count;
    stats_.loop_queue.store(waiting_.load());
    if (waiting_.load() < options_.queue_max / 2) go_on.swap(paused_);
    if (waiting_.load() > 0) {
      scheduled_ = true;
      asio::post(machinery_->io, [this] { Turn(); });
    }
  }
  for (const std::function<void()>& each : go_on) each();
}

void Loop::Turn() {
  if (engine_->frozen()) {
    RefuseQueries();
    return;
  }
  Draw();
  const Status status = engine_->Turn(batch_, clock_.Now());
  if (!status.ok()) {
    Freeze(status);
    return;
  }
  if (engine_->has_cleanup()) Wake();
  Arm();
}

void Loop::RefuseQueries() {
  std::vector<Input> queries;
  {
    const std::lock_guard lock(mu_);
    scheduled_ = false;
    TakeQueries(drawn_, next_, queries);
    TakeQueries(inbox_, 0, queries);
    stats_.loop_queue.store(waiting_ -= queries.size());
  }
  for (const Input& query : queries) std::get<Query>(query).run(nullptr, clock_.Now());
  options_.on_frozen();
}

void Loop::Arm() {
  const Time deadline = engine_->NextDeadline();
  if (deadline == kNever) {
    machinery_->timer.cancel();
    return;
  }
  const Duration wait = std::max(Duration(1), deadline - clock_.Now());
  machinery_->timer.expires_after(wait);
  machinery_->timer.async_wait([this](const boost::system::error_code& error) {
    if (!error) Wake();
  });
}

void Loop::Freeze(const Status& status) {
  clock_.Freeze();
  machinery_->timer.cancel();
  health_.Set(Health::Part::kState, "state.db: " + status.message());
  spdlog::error("event=loop_frozen error=\"{}\"", status.ToString());
  RefuseQueries();
  retry_wait_ = options_.retry_first;
  RetryLater();
}

void Loop::RetryLater() {
  machinery_->timer.expires_after(retry_wait_);
  machinery_->timer.async_wait([this](const boost::system::error_code& error) {
    if (!error) Retry();
  });
}

void Loop::Retry() {
  clock_.Thaw();
  const Time now = clock_.Now();
  const Status status = engine_->Retry(now);
  if (!status.ok()) {
    clock_.Freeze();
    health_.Set(Health::Part::kState, "state.db: " + status.message());
    retry_wait_ = std::min(retry_wait_ * 2, options_.retry_max);
    RetryLater();
    return;
  }
  health_.Set(Health::Part::kState, "");
  spdlog::info("event=loop_thawed");
  Wake();
}

void Loop::Stop() {
  {
    const std::lock_guard lock(mu_);
    if (stopped_) return;
    stopped_ = true;
  }
  if (!thread_.joinable()) return;
  asio::post(machinery_->io, [this] {
    while (!engine_->frozen()) {
      Draw();
      if (batch_.empty()) break;
      const Status status = engine_->Turn(batch_, clock_.Now());
      if (!status.ok()) spdlog::error("event=last_turn_lost error=\"{}\"", status.ToString());
    }
    RefuseQueries();
    machinery_->timer.cancel();
    machinery_->work.reset();
    machinery_->io.stop();
  });
  thread_.join();
}

}  // namespace fusor
