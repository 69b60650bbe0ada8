#include "worker/app/runtime.h"

#include <algorithm>
#include <utility>

namespace fusor::agent {

namespace {

constexpr Duration kSecond{1'000};
constexpr Duration kFlushPatience{2'000};
// Rounds of events and effects in one turn; then descriptors have their turn again.
constexpr int kRoundsMax = 64;

// Facts that are not urgent wait so long for others: a short trial's whole story then is one
// message to the coordinator, and one commit there.
constexpr Duration kGatherFor{10};

bool IsFacts(const WorkerMessage& message) { return std::holds_alternative<FactsMessage>(message); }

// Somebody waits for it: the end, a result, the first step and every later sign of progress.
bool IsUrgent(const FactBody& body) {
  if (const auto* progress = std::get_if<ProgressFact>(&body)) return progress->step > 0;
  return !std::holds_alternative<StartedFact>(body) && !std::holds_alternative<LogFact>(body) &&
         !std::holds_alternative<MetricsFact>(body);
}

}  // namespace

Runtime::~Runtime() {
  done_ = true;
  // The stream and the transfers first: their threads post to the loop.
  link_.reset();
  transfers_.reset();
  fetcher_.reset();
  datasets_.reset();
}

bool Runtime::Run() {
  EverySecond();
  loop_->SetTurn([this] { return Turn(); });
  loop_->Run();
  return !failed_;
}

Time Runtime::Turn() {
  for (int round = 0; round < kRoundsMax && !done_; ++round) {
    const bool due = loop_->Now() >= std::min(core_->NextDeadline(), pump_at_);
    if (events_.empty() && !due) break;
    Effects effects;
    TakeEvents(effects);
    log_.Tell(effects);
    Carry(std::move(effects));
  }
  return events_.empty() ? std::min(core_->NextDeadline(), pump_at_) : loop_->Now();
}

void Runtime::TakeEvents(Effects& effects) {
  const Time now = loop_->Now();
  for (Event& event : std::exchange(events_, {})) {
    log_.Tell(event);
    core_->Apply(std::move(event), now, effects);
  }
  if (now >= core_->NextDeadline()) core_->Apply(Tick{}, now, effects);
  if (!MayGather(now, effects)) core_->Pump(now, effects);
}

bool Runtime::MayGather(Time now, const Effects& effects) {
  bool appended = false;
  bool urgent = false;
  for (const Persist& persist : effects.persists) {
    const auto* append = std::get_if<SpoolAppend>(&persist);
    if (append == nullptr) continue;
    appended = true;
    urgent = urgent || IsUrgent(append->fact.body);
  }
  if (appended && pump_at_ == kNever) pump_at_ = now + kGatherFor;
  if (!urgent && pump_at_ != kNever && now < pump_at_) return true;
  pump_at_ = kNever;
  return false;
}

void Runtime::EverySecond() {
  loop_->At(loop_->Now() + kSecond, [this] { EverySecond(); });
  processes_->EverySecond();
  CheckSpool();
}

void Runtime::CheckSpool() {
  if (spool_->HasUnwritten()) CarryPersists({});
  if (!spool_->HasUnwritten() && !deferred_.empty()) {
    link_->Send(std::exchange(deferred_, {}));
  }
  const SpoolLevel level = spool_->Level(true);
  if (std::exchange(spool_level_, level) == level) return;
  log_.Warn("spool_level", {{"level", std::to_string(static_cast<int>(level))},
                            {"bytes", std::to_string(spool_->bytes())}});
  Emit(SpoolLevelChanged{level});
}

void Runtime::Carry(Effects effects) {
  CarryPersists(effects.persists);
  CarrySends(std::move(effects.sends));
  CarryActions(effects.actions);
}

void Runtime::CarryPersists(const std::vector<Persist>& persists) {
  std::vector<TaskKey> syncs;
  for (const Persist& persist : persists) {
    if (const auto* append = std::get_if<SpoolAppend>(&persist)) {
      spool_->Append(append->task, append->fact);
    } else if (const auto* sync = std::get_if<SpoolSync>(&persist)) {
      syncs.push_back(sync->task);
    } else if (const auto* trim = std::get_if<SpoolTrim>(&persist)) {
      spool_->Trim(trim->task, trim->number);
    } else if (const auto* drop = std::get_if<SpoolDrop>(&persist)) {
      spool_->Drop(drop->task);
    } else if (const auto* save = std::get_if<SaveIdentity>(&persist)) {
      const Status saved = SaveCluster(options_.data, save->cluster_id, save->generation);
      if (!saved.ok()) log_.Error("not_saved", {{"error", saved.message()}});
    }
  }
  const Status flushed = spool_->Flush();
  if (std::exchange(spool_failed_, !flushed.ok()) == flushed.ok()) {
    // Told once when it begins and once when it ends; the core hears at once, not at the next
    // second.
    if (flushed.ok()) {
      log_.Info("disk_writes_again", {});
    } else {
      log_.Error("disk_refuses", {{"error", flushed.message()}});
      CheckSpool();
    }
  }
  for (const TaskKey task : syncs) spool_->Sync(task);
}

void Runtime::CarrySends(std::vector<WorkerMessage> messages) {
  std::vector<WorkerMessage> now;
  const bool written = !spool_->HasUnwritten();
  if (written) now = std::exchange(deferred_, {});
  for (WorkerMessage& message : messages) {
    // A greeting begins a new conversation: what was to be said in the old one is said anew.
    if (std::holds_alternative<HelloMessage>(message)) {
      std::erase_if(now, IsFacts);
      deferred_.clear();
    }
    (written || !IsFacts(message) ? now : deferred_).push_back(std::move(message));
  }
  link_->Send(std::move(now));
}

void Runtime::CarryActions(const std::vector<Action>& actions) {
  for (const Action& action : actions) {
    std::visit(
        [this](const auto& what) {
          using What = std::decay_t<decltype(what)>;
          if constexpr (std::is_same_v<What, FetchFiles> || std::is_same_v<What, StartUpload> ||
                        std::is_same_v<What, CancelUpload>) {
            transfers_->Perform(what);
          } else if constexpr (std::is_same_v<What, FetchDataset>) {
            // The core asks for what is offered as fetchable only.
            fetcher_->Perform(what);
          } else if constexpr (std::is_same_v<What, RemoveAttemptDir>) {
            transfers_->Forget(what.task);
            if (fetcher_ != nullptr) fetcher_->Forget(what.task);
            processes_->Perform(what);
          } else if constexpr (std::is_same_v<What, ReadSpool>) {
            // Answered before anything else happens, so that the core catches up with its spool.
            Emit(spool_->Read(what.task, what.first_number, what.bytes_max));
          } else if constexpr (std::is_same_v<What, CloseLink>) {
            link_->Close(what.wait);
          } else if constexpr (std::is_same_v<What, Quit>) {
            log_.Info("leaving", {{"reason", what.reason}});
            done_ = true;
            failed_ = what.failed;
            link_->Finish(kFlushPatience);
            loop_->Stop();
          } else if constexpr (!std::is_same_v<What, Note>) {
            processes_->Perform(what);
          }
        },
        action);
  }
}

}  // namespace fusor::agent
