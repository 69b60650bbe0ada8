#include "client/commands/follow.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <ostream>
#include <utility>

#include "client/format/clock.h"
#include "client/format/text.h"
#include "client/terminal/screen.h"
#include "client/terminal/signals.h"
#include "client/view/convert.h"
#include "client/view/gains_view.h"
#include "client/view/results_view.h"
#include "client/view/sweep_view.h"
#include "client/view/watch_view.h"

namespace fusor::client {

namespace {

constexpr Duration kReconnectPause{500};
constexpr Duration kProgressEvery{15'000};     // between progress lines where nothing is drawn
constexpr Duration kNoProgressEvery{300'000};  // while they would all say the same
constexpr Duration kExplainAfter{2'000};       // nothing runs for so long: say why
constexpr Duration kExplainEvery{10'000};
constexpr Duration kDrawEvery{90};
constexpr std::size_t kReasonsShown = 3;

class Follower {
 public:
  Follower(Session& session, Api& api, v1::Sweep sweep, FollowOptions options)
      : session_(session),
        api_(api),
        options_(std::move(options)),
        model_(std::move(sweep)),
        screen_(session.environment()),
        started_(session.now()),
        draws_(session.for_people() && session.environment().terminal().is_terminal) {}

  Result<Followed> Run();

 private:
  bool Take(const v1::WatchSweepResponse& message);  // false: the sweep is over
  void Draw();
  void Tell(const std::vector<Happening>& told);
  void TellProgress();
  void ExplainWaiting();
  bool Wait(Duration duration);  // false: interrupted
  bool interrupted();

  Session& session_;
  Api& api_;
  const FollowOptions options_;
  WatchModel model_;
  Screen screen_;
  const Time started_;
  const bool draws_;
  Time last_progress_{};
  std::string last_line_;
  Time last_drawn_{};
  Time idle_since_ = kNever;
  Time last_explained_{};

  std::mutex mu_;
  std::condition_variable changed_;
  bool interrupted_ = false;  // guarded by mu_
};

bool Follower::interrupted() {
  const std::lock_guard lock(mu_);
  return interrupted_;
}

bool Follower::Wait(Duration duration) {
  std::unique_lock lock(mu_);
  return !changed_.wait_for(lock, duration, [this] { return interrupted_; });
}

void Follower::Draw() {
  // A backlog of events comes faster than anyone can look.
  if (!draws_ || session_.now() - last_drawn_ < kDrawEvery) return;
  last_drawn_ = session_.now();
  Look look = session_.look();
  const Terminal terminal = session_.environment().terminal();
  look.width = terminal.columns;
  screen_.Draw(WatchFrame(model_, session_.now(), look, terminal.rows > 2 ? terminal.rows - 1 : 1));
}

void Follower::Tell(const std::vector<Happening>& told) {
  std::vector<std::string> lines;
  for (const Happening& happening : told) {
    // The past is not news. What is drawn shows the latest anyway; only failures must not scroll
    // away.
    if (happening.time < started_ || (draws_ && happening.style != Style::kBad)) continue;
    lines.push_back(HappeningLine(happening, session_.look()));
  }
  if (draws_) {
    screen_.PrintAbove(lines);
  } else if (session_.for_people()) {
    for (const std::string& line : lines) session_.out() << line << "\n";
    session_.out().flush();  // whoever reads a file or a pipe wants the news now
  }
}

void Follower::TellProgress() {
  const Time now = session_.now();
  if (draws_ || !session_.for_people() || now - last_progress_ < kProgressEvery) return;
  const std::string line = ProgressLine(model_, session_.look());
  if (line == last_line_ && now - last_progress_ < kNoProgressEvery) return;
  last_progress_ = now;
  last_line_ = line;
  session_.out() << session_.look().Paint(ClockText(now), Style::kFaint) << "  " << line
                 << std::endl;
}

// Nothing runs although trials wait: the first ready one says why.
void Follower::ExplainWaiting() {
  const Time now = session_.now();
  const Counts counts = CountsOf(model_.sweep().counts());
  if (!model_.running().empty() || counts.waiting() == 0) {
    idle_since_ = kNever;
    return;
  }
  if (idle_since_ == kNever) idle_since_ = now;
  if (now - idle_since_ < kExplainAfter || now - last_explained_ < kExplainEvery) return;
  last_explained_ = now;
  v1::ListTrialsRequest list;
  list.set_sweep(model_.sweep().id());
  list.add_states(v1::TRIAL_STATE_READY);
  list.set_page_size(1);
  const Result<v1::ListTrialsResponse> ready = api_.Call(list);
  if (!ready.ok() || ready->trials_size() == 0) return;
  v1::ExplainTrialRequest explain;
  explain.set_id(ready->trials(0).id());
  const Result<v1::ExplainTrialResponse> answer = api_.Call(explain);
  if (!answer.ok() || answer->reasons_size() == 0) return;
  std::vector<std::string> reasons(answer->reasons().begin(), answer->reasons().end());
  if (reasons.size() > kReasonsShown) reasons.resize(kReasonsShown);
  const std::string note = "waiting: " + Join(reasons, "; ");
  if (!draws_ && session_.for_people() && note != model_.waiting_note()) {
    session_.out() << note << std::endl;
  }
  model_.SetWaitingNote(note);
}

bool Follower::Take(const v1::WatchSweepResponse& message) {
  model_.SetConnectionNote("");
  Tell(model_.Apply(message, session_.now()));
  TellProgress();
  ExplainWaiting();
  Draw();
  return !IsOver(model_.sweep().state()) && !interrupted();
}

Result<Followed> Follower::Run() {
  const Signals::Guard guard(session_.environment().signals, [this](int, int) {
    {
      const std::lock_guard lock(mu_);
      interrupted_ = true;
    }
    changed_.notify_all();
    api_.Cancel();
  });
  Time last_contact = session_.now();
  Draw();
  while (!IsOver(model_.sweep().state()) && !interrupted()) {
    v1::WatchSweepRequest request;
    request.set_sweep(model_.sweep().id());
    request.set_after_event(model_.cursor());
    const Status status = api_.Read(
        request, Api::Reader<v1::WatchSweepResponse>([&](const v1::WatchSweepResponse& message) {
          last_contact = session_.now();
          return Take(message);
        }));
    if (IsOver(model_.sweep().state()) || interrupted()) break;
    if (api_.canceled()) {  // by whoever started this: nothing will answer any more
      screen_.Leave();
      return Unavailable("the calls to the coordinator were ended");
    }
    if (!status.ok() && status.code() != Code::kUnavailable &&
        status.code() != Code::kResourceExhausted) {
      screen_.Leave();
      return status;
    }
    if (session_.now() - last_contact > options_.patience) {
      screen_.Leave();
      return Unavailable("the coordinator has been away for " + DurationText(options_.patience) +
                         "\nthe sweep is safe: fusor watch " + std::to_string(model_.sweep().id()) +
                         " when it is back");
    }
    if (!status.ok()) {
      model_.SetConnectionNote("the coordinator does not answer; trying again (" +
                               status.message() + ")");
      Draw();
    }
    Wait(kReconnectPause);
  }
  screen_.Erase();
  Followed followed;
  followed.sweep = model_.sweep();
  followed.interrupted = interrupted();
  if (followed.interrupted && session_.for_people() && !options_.on_interrupt.empty()) {
    session_.out() << ProgressLine(model_, session_.look()) << "\n"
                   << options_.on_interrupt << std::endl;
  }
  return followed;
}

}  // namespace

Result<Followed> FollowSweep(Session& session, Api& api, std::uint64_t sweep,
                             const FollowOptions& options) {
  v1::GetSweepRequest request;
  request.set_sweep(sweep);
  Result<v1::GetSweepResponse> found = api.Call(request);
  if (!found.ok()) return found.status();
  return Follower(session, api, found->sweep(), options).Run();
}

Result<int> ShowEnd(Session& session, Api& api, const v1::Sweep& sweep) {
  v1::ResultsRequest request;
  request.set_sweep(sweep.id());
  const Result<v1::ResultsResponse> results = api.Call(request);
  if (!results.ok()) return results.status();
  const std::string id = std::to_string(sweep.id());
  const int code =
      ExitCodeOf(sweep) == kExitOk && IsMissed(*results) ? kExitMissed : ExitCodeOf(sweep);
  if (session.output() == Output::kJson) {
    v1::GetSweepResponse response;
    *response.mutable_sweep() = sweep;
    Json json = Json::Object();
    json.Set("sweep", SweepJson(response)).Set("results", ResultsJson(*results));
    session.out() << json.Pretty() << "\n";
    return code;
  }
  if (session.output() == Output::kId) {
    session.out() << id << "\n";
    return code;
  }
  session.out() << SweepEndText(sweep, session.now(), session.look()) << "\n\n"
                << ResultsText(*results, session.look());
  return code;
}

void NextAfterEnd(Session& session, const v1::Sweep& sweep) {
  const std::string id = std::to_string(sweep.id());
  if (ExitCodeOf(sweep) != kExitOk && CountsOf(sweep.counts()).failed == 0) {
    session.Next({"fusor trials " + id + "  # how far they came",
                  "fusor retry " + id + "  # run the rest after all"});
  } else if (ExitCodeOf(sweep) != kExitOk) {
    session.Next({"fusor trials " + id + " --state failed  # what failed, and why",
                  "fusor logs " + id + "  # what they wrote",
                  "fusor retry " + id + "  # try the failed ones again"});
  } else {
    session.Next({"fusor best " + id + " --download DIR  # the best model",
                  "fusor get " + id + " -o DIR  # everything",
                  "fusor results " + id + " --metrics a,b  # other columns"});
  }
}

}  // namespace fusor::client
