// local: one sweep on this machine, with a coordinator and a worker of its own.

#include <algorithm>
#include <atomic>
#include <ostream>
#include <thread>

#include "client/commands/commands.h"
#include "client/commands/export_run.h"
#include "client/commands/follow.h"
#include "client/commands/options.h"
#include "client/commands/session.h"
#include "client/commands/submission.h"
#include "client/format/text.h"
#include "client/local/local_cluster.h"
#include "client/local/run_record.h"
#include "client/terminal/signals.h"
#include "client/view/convert.h"
#include "client/view/sweep_view.h"
#include "common/dataset/presence.h"

namespace fusor::client {

namespace {

constexpr Duration kPatience{30'000};  // for a coordinator of another run that went away

class LocalRun {
 public:
  explicit LocalRun(Session& session)
      : session_(session),
        data_(DataOf(session)),
        cluster_(session.environment(), OptionsOf(session, data_)) {}

  Result<int> Run();

 private:
  static std::filesystem::path DataOf(const Session& session);
  static LocalOptions OptionsOf(const Session& session, const std::filesystem::path& data);

  Result<int> RunSweep(const Submission& submission, const std::string& key);
  // The sweep of an earlier run that was not finished, or a new one; 0 = the file has problems.
  Result<std::uint64_t> FindOrSubmit(Api& api, Submission submission, const std::string& key);
  Result<bool> GoOn(Api& api, std::uint64_t sweep);
  Result<int> Finish(Api& api, const v1::Sweep& sweep);
  void StopCluster();
  void Say(const std::string& text) const;
  std::string Shown(const std::filesystem::path& path) const;
  Status UseRunning(Api& api, const Target& target);
  void SayWhatIsNext(int code, bool joined) const;
  std::string Words(const Submission& submission) const;  // those of this command line

  Session& session_;
  const std::filesystem::path data_;
  LocalCluster cluster_;
  std::atomic<bool> interrupted_{false};
  std::uint64_t sweep_ = 0;
};

std::filesystem::path LocalRun::DataOf(const Session& session) {
  const std::string given = session.Question().data;
  return session.environment().directory / (given.empty() ? ".fusor" : given);
}

LocalOptions LocalRun::OptionsOf(const Session& session, const std::filesystem::path& data) {
  LocalOptions options;
  options.data = data;
  const Arguments& arguments = session.arguments();
  if (arguments.Has("slots")) options.slots = arguments.Text("slots");
  options.device = arguments.Text("device");
  if (arguments.Has("datasets")) {
    options.datasets = session.environment().directory / arguments.Text("datasets");
  } else {
    const std::filesystem::path usual = DefaultDatasets(
        session.environment().Variable("FUSOR_DATA"), session.environment().Variable("HOME"));
    std::error_code error;
    const std::filesystem::path there = session.environment().directory / usual;
    if (!usual.empty() && std::filesystem::is_directory(there, error)) options.datasets = there;
  }
  return options;
}

void LocalRun::Say(const std::string& text) const {
  if (session_.for_people()) session_.out() << text << std::endl;
}

std::string LocalRun::Shown(const std::filesystem::path& path) const {
  const std::filesystem::path relative = path.lexically_relative(session_.environment().directory);
  const bool is_below = !relative.empty() && *relative.begin() != "..";
  return is_below ? relative.string() : path.string();
}

std::string LocalRun::Words(const Submission& submission) const {
  std::string words = ShellWord(submission.file) + OverrideWords(submission.overrides);
  for (const char* name : {"slots", "device", "datasets", "get"}) {
    if (!session_.arguments().Has(name)) continue;
    words += std::string(" --") + name + " " + ShellWord(session_.arguments().Text(name));
  }
  return words;
}

Result<bool> LocalRun::GoOn(Api& api, std::uint64_t sweep) {
  v1::GetSweepRequest request;
  request.set_sweep(sweep);
  const Result<v1::GetSweepResponse> found = api.Call(request);
  if (!found.ok() && found.status().code() == Code::kNotFound) return false;
  if (!found.ok()) return found.status();
  if (IsOver(found->sweep().state())) return false;
  const Counts counts = CountsOf(found->sweep().counts());
  if (counts.done() > 0 || counts.running > 0) {
    Say("going on with sweep " + std::to_string(sweep) + ": " +
        CountsText(counts, session_.look()));
  }
  if (found->sweep().state() != v1::SWEEP_STATE_PAUSED) return true;
  v1::ResumeSweepRequest resume;
  resume.set_request_id(session_.RequestId());
  resume.set_sweep(sweep);
  const Result<v1::ResumeSweepResponse> resumed = api.Call(resume);
  if (!resumed.ok()) return resumed.status();
  return true;
}

Result<std::uint64_t> LocalRun::FindOrSubmit(Api& api, Submission submission,
                                             const std::string& key) {
  const std::filesystem::path records = cluster_.logs() / "runs";
  RunRecord record = LoadRunRecord(records, key);
  while (true) {
    if (record.sweep == 0) {
      submission.request_id = RunRequestId(key, record.run);
      const Result<v1::SubmitResponse> response = Submit(session_, api, submission);
      if (!response.ok()) return response.status();
      if (response->problems_size() > 0) return std::uint64_t{0};
      record.sweep = response->sweep();
      RETURN_IF_ERROR(SaveRunRecord(records, key, record));
      Say(session_.look().Paint("sweep " + std::to_string(record.sweep), Style::kStrong) + ": " +
          CountOf(response->trials(), "trial"));
    }
    const Result<bool> goes_on = GoOn(api, record.sweep);
    if (!goes_on.ok()) return goes_on.status();
    if (*goes_on) return record.sweep;
    record = {record.run + 1, 0};
  }
}

Result<int> LocalRun::Finish(Api& api, const v1::Sweep& sweep) {
  Result<int> code = ShowEnd(session_, api, sweep);
  if (!code.ok()) return code;
  const std::string folder = session_.arguments().Text("get");
  if (!folder.empty()) {
    const Result<ExportChoice> choice = ParseChoice("models,logs,csv,metrics");
    if (!choice.ok()) return choice.status();
    Exporter exporter(session_, api, session_.environment().directory / folder);
    RETURN_IF_ERROR(ExportSweep(session_, api, sweep.id(), *choice, exporter));
    if (session_.for_people()) ReportExport(session_, exporter, folder);
  }
  return code;
}

Result<int> LocalRun::RunSweep(const Submission& submission, const std::string& key) {
  const Signals::Guard guard(session_.environment().signals,
                             [this](int, int) { interrupted_ = true; });
  const Result<Target> target = cluster_.Start([this] { return interrupted_.load(); });
  if (interrupted_) return kExitInterrupted;
  if (!target.ok()) return target.status();
  Api* api = session_.ConnectTo(*target);
  if (cluster_.is_joined()) RETURN_IF_ERROR(UseRunning(*api, *target));
  cluster_.OnFailure([api] { api->Cancel(); });
  const Result<std::uint64_t> sweep = FindOrSubmit(*api, submission, key);
  if (!sweep.ok()) return sweep.status();
  if (*sweep == 0) return kExitBadInput;
  sweep_ = *sweep;
  FollowOptions options;
  options.patience = kPatience;
  const Result<Followed> followed = FollowSweep(session_, *api, *sweep, options);
  const std::string failure = cluster_.FailureText();
  if (!failure.empty()) return Internal(failure);
  if (!followed.ok()) return followed.status();
  if (followed->interrupted) {
    interrupted_ = true;
    return kExitInterrupted;
  }
  return Finish(*api, followed->sweep);
}

// A coordinator that somebody started to look at results has no workers.
Status LocalRun::UseRunning(Api& api, const Target& target) {
  Say("using the coordinator that runs in " + Shown(data_));
  const Result<v1::ListWorkersResponse> workers = api.Call(v1::ListWorkersRequest());
  if (!workers.ok()) return workers.status();
  const bool any = std::any_of(workers->workers().begin(), workers->workers().end(),
                               [](const v1::Worker& one) { return one.state() == "connected"; });
  if (!any && cluster_.IsAlone()) return cluster_.StartWorker(target);
  for (const char* option : {"slots", "device", "datasets"}) {
    if (!session_.arguments().Has(option)) continue;
    Say(std::string("--") + option + " has no effect: there are workers already");
  }
  return Ok();
}

// Ends what was started. Another run that uses it is waited for; Ctrl-C ends at once.
void LocalRun::StopCluster() {
  if (cluster_.is_joined() && !cluster_.has_worker()) return;
  std::atomic<bool> kill_now{false};
  const Signals::Guard guard(session_.environment().signals,
                             [&kill_now](int, int) { kill_now = true; });
  if (!interrupted_ && cluster_.OthersUseIt()) {
    Say("another run uses this coordinator; waiting for it (Ctrl-C ends both)");
    while (!kill_now && cluster_.OthersUseIt()) std::this_thread::sleep_for(Duration(200));
    kill_now = false;
  }
  if (interrupted_) {
    Say("stopping: running trials write checkpoints (Ctrl-C again stops at once)");
  }
  cluster_.StopWatching();
  session_.Disconnect();
  cluster_.Stop(kill_now);
}

void LocalRun::SayWhatIsNext(int code, bool joined) const {
  const auto is_set = [&](const char* name) {
    return !session_.environment().Variable(name).empty();
  };
  // Without --data, ./.fusor is found by itself unless the environment names another place.
  const bool elsewhere = is_set("FUSOR_HOME") || is_set("FUSOR_COORDINATOR");
  const std::string data = ShellWord(Shown(data_));
  const std::string at =
      elsewhere && session_.Question().data.empty() ? " --data " + data : std::string();
  const std::string id = std::to_string(sweep_);
  const std::string look =
      code != kExitFailed
          ? "fusor get " + id + " -o DIR" + at + "  # models, logs, metrics"
          : "fusor trials " + id + " --state failed" + at + "  # what failed, and why";
  if (joined) {
    session_.Next({look, "fusor results " + id + at});
  } else {
    session_.Next({"fusord --data " + data + " &  # brings the coordinator back, to look again:",
                   look, "fusor results " + id + at});
  }
}

Result<int> LocalRun::Run() {
  Submission submission;
  submission.file = session_.arguments().Text("FILE");
  submission.overrides = session_.arguments().List("set");
  const Result<std::string> source = ReadSource(session_, submission.file);
  if (!source.ok()) return source.status();
  submission.source = *source;
  Result<int> code = RunSweep(submission, RunKey(submission.source, submission.overrides));
  const bool joined = cluster_.is_joined();
  StopCluster();
  const std::string again = "fusor local " + Words(submission);
  if (interrupted_) {
    Say("stopped; nothing is lost");
    session_.Next({again + "  # goes on where it stopped"});
    return kExitInterrupted;
  }
  if (!code.ok() || *code == kExitBadInput) return code;
  SayWhatIsNext(*code, joined);
  return code;
}

Result<int> Run(Session& session) {
  const std::string slots = session.arguments().Text("slots");
  const bool is_number = !slots.empty() && slots.size() < 6 && slots[0] != '0' &&
                         slots.find_first_not_of("0123456789") == std::string::npos;
  if (session.arguments().Has("slots") && slots != "auto" && !is_number) {
    return InvalidArgument("--slots takes a number from 1 to 99999 or auto, not '" + slots + "'");
  }
  return LocalRun(session).Run();
}

}  // namespace

CommandSpec LocalCommand() {
  CommandSpec spec;
  spec.name = "local";
  spec.topic = Topic::kRun;
  spec.help =
      "run a sweep on this machine alone: coordinator and worker for its length, data in ./.fusor";
  spec.arguments = {FileArgument()};
  spec.options = {SetOption(),
                  {.name = "slots",
                   .takes = Takes::kText,
                   .value_name = "N",
                   .help = "trials at a time (default: auto, one per GPU, else one per core)"},
                  {.name = "device",
                   .takes = Takes::kText,
                   .value_name = "KIND",
                   .help = "cpu or gpu (default: GPUs if there are any)",
                   .choices = {"cpu", "gpu"}},
                  {.name = "datasets",
                   .takes = Takes::kDirectory,
                   .value_name = "DIR",
                   .help = "where the data sets lie (FUSOR_DATA; else ~/.fusor/datasets)"},
                  {.name = "get",
                   .takes = Takes::kDirectory,
                   .value_name = "DIR",
                   .help = "at the end write models, logs, CSV files and metrics there"}};
  spec.outputs = {Output::kTable, Output::kJson, Output::kId};
  spec.notes =
      "Ctrl-C stops cleanly: running trials write checkpoints, and the same command goes on with "
      "the\n"
      "unfinished sweep. A second Ctrl-C stops at once. Exit code as that of "
      "submit\n--wait.\n";
  spec.run = Run;
  return spec;
}

}  // namespace fusor::client
