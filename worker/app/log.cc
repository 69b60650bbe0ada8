#include "worker/app/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "worker/spool/task_log.h"

namespace fusor::agent {

namespace {

// As it is when it is one plain word, else in quotes.
std::string Quoted(const std::string& value) {
  if (!value.empty() && value.find_first_of(" \t\n\"=") == std::string::npos) return value;
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string LineOf(std::string_view event, Log::Fields fields) {
  std::string line = "event=" + std::string(event);
  for (const auto& [key, value] : fields) line += " " + std::string(key) + "=" + Quoted(value);
  return line;
}

std::string OutcomeText(const Outcome& outcome) {
  switch (outcome.kind) {
    case OutcomeKind::kSucceeded:
      return "succeeded";
    case OutcomeKind::kReleased:
      return "released";
    case OutcomeKind::kFailed:
      break;
  }
  return std::string(FailureName(outcome.failure));
}

}  // namespace

struct Log::Sink {
  std::unique_ptr<spdlog::logger> logger;
};

Log::Log(const std::string& level) : sink_(std::make_unique<Sink>()) {
  sink_->logger = std::make_unique<spdlog::logger>(
      "fusor-worker", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  sink_->logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z level=%l %v");
  sink_->logger->set_level(spdlog::level::from_str(level));
}

Log::~Log() = default;

void Log::Info(std::string_view event, Fields fields) const {
  sink_->logger->log(spdlog::level::info, LineOf(event, fields));
}

void Log::Warn(std::string_view event, Fields fields) const {
  sink_->logger->log(spdlog::level::warn, LineOf(event, fields));
}

void Log::Error(std::string_view event, Fields fields) const {
  sink_->logger->log(spdlog::level::err, LineOf(event, fields));
}

void Log::Tell(const Event& event) const {
  if (const auto* started = std::get_if<ProcessStarted>(&event)) {
    Info("started", {{"attempt", TaskName(started->task)}});
  } else if (const auto* failed = std::get_if<StartFailed>(&event)) {
    Warn("start_failed",
         {{"attempt", TaskName(failed->task)}, {"error", failed->status.message()}});
  } else if (const auto* upload = std::get_if<UploadFailed>(&event)) {
    Warn("upload_failed",
         {{"attempt", TaskName(upload->task)}, {"error", upload->status.message()}});
  } else if (const auto* fetch = std::get_if<FetchFailed>(&event)) {
    Warn("fetch_failed", {{"attempt", TaskName(fetch->task)}, {"error", fetch->status.message()}});
  } else if (const auto* received = std::get_if<Received>(&event)) {
    if (const auto* welcome = std::get_if<WelcomeMessage>(&received->message)) {
      Info("welcomed",
           {{"cluster", welcome->cluster_id}, {"generation", std::to_string(welcome->generation)}});
    } else if (const auto* stop = std::get_if<StopMessage>(&received->message)) {
      Info("stop", {{"attempt", std::to_string(stop->attempt.value)}, {"reason", stop->reason}});
    }
  }
}

void Log::Tell(const Effects& effects) const {
  for (const Persist& persist : effects.persists) {
    const auto* append = std::get_if<SpoolAppend>(&persist);
    if (append == nullptr) continue;
    const auto* final = std::get_if<FinalFact>(&append->fact.body);
    if (final == nullptr) continue;
    Info("ended", {{"attempt", TaskName(append->task)},
                   {"outcome", OutcomeText(final->outcome)},
                   {"step", std::to_string(final->step)},
                   {"ms", std::to_string(final->running_ms)},
                   {"detail", final->outcome.detail}});
  }
  for (const Action& action : effects.actions) {
    if (const auto* note = std::get_if<Note>(&action)) {
      note->warning ? Warn("note", {{"text", note->text}}) : Info("note", {{"text", note->text}});
    } else if (const auto* start = std::get_if<StartProcess>(&action)) {
      Info("granted", {{"attempt", TaskName(start->task)},
                       {"trial", start->start.trial},
                       {"slot", std::to_string(start->slot)}});
    } else if (const auto* hold = std::get_if<HoldTask>(&action)) {
      Warn("held", {{"attempt", TaskName(hold->task)}, {"reason", "the spool is full"}});
    }
  }
}

}  // namespace fusor::agent
