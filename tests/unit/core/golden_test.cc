// Golden tests: each file of golden/ is a list of commands, each followed by the effects it had.
// With
// --rewrite the files are written anew, for the reviewer to read the difference.
//
//   worker NAME SLOTS [held ATTEMPT...]     a stream with a Hello
//   cut NAME | beat NAME [ATTEMPT...] | leave NAME
//   sweep TRIALS [slots=N] [priority=N] [crashes=N]
//   fusion                                  two experts of one model and the trial that takes both
//   report ATTEMPT started|evaluation VALUE|checkpoint STEP|model
//   end ATTEMPT succeeded|released|FAILURE
//   pause SWEEP [now] | resume SWEEP | cancel SWEEP | retry SWEEP | remove SWEEP
//   drain WORKER SECONDS | vouch WORKER | pass SECONDS | explain TRIAL | restart

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/unit/core/effect_text.h"
#include "tests/unit/core/world_fixture.h"

namespace fusor {
namespace {

using std::chrono::seconds;

class GoldenTest : public CoreTest {
 public:
  GoldenTest(std::filesystem::path path, bool rewrite)
      : path_(std::move(path)), rewrite_(rewrite) {}

  void TestBody() override {
    std::ifstream in(path_);
    std::ostringstream expected;
    expected << in.rdbuf();
    std::istringstream lines(expected.str());
    std::string line;
    while (std::getline(lines, line)) {
      if (line.starts_with("#") || line.empty()) out_ << line << "\n";
      if (line.starts_with("> ")) Run(line);
    }
    if (rewrite_) {
      std::ofstream(path_) << out_.str();
    } else {
      EXPECT_EQ(out_.str(), expected.str()) << path_ << ": if this is right, run with --rewrite";
    }
  }

 private:
  void Run(const std::string& line) {
    out_ << line << "\n";
    std::istringstream words(line.substr(2));
    std::string command;
    words >> command;
    written.clear();
    sent.clear();
    if (!RunWorker(command, words) && !RunAttempt(command, words) && !RunPerson(command, words)) {
      ADD_FAILURE() << path_ << ": no command " << command;
    }
    for (const Write& write : written) out_ << TextOf(write) << "\n";
    for (const Send& send : sent) out_ << TextOf(send) << "\n";
  }

  static std::vector<AttemptId> Attempts(std::istringstream& words) {
    std::vector<AttemptId> attempts;
    for (std::uint64_t id = 0; words >> id;) attempts.push_back(AttemptId{id});
    return attempts;
  }

  bool RunWorker(const std::string& command, std::istringstream& words) {
    std::string name;
    if (command == "worker") {
      int slots = 0;
      std::string held;
      words >> name >> slots >> held;
      sessions_[name] = Connect(CpuWorker(name, slots), Attempts(words));
    } else if (command == "cut") {
      words >> name;
      Disconnect(sessions_.at(name));
    } else if (command == "beat") {
      words >> name;
      Beat(sessions_.at(name), Attempts(words));
    } else if (command == "leave") {
      words >> name;
      Say(sessions_.at(name), LeavingMessage{"SIGTERM"});
    } else if (command == "restart") {
      Restart();
    } else {
      return false;
    }
    return true;
  }

  SessionId SessionOf(AttemptId attempt) const {
    return sessions_.at(tables.workers.at(tables.attempts.at(attempt).worker).info.name);
  }

  static FactBody FactOf(const std::string& kind, std::istringstream& words) {
    if (kind == "started") return StartedFact{.info = {{"threads", "2"}}};
    if (kind == "model") return ArtifactFact{"model", 5, {"best/model", "sha", 9}};
    double number = 0;
    words >> number;
    const auto step = static_cast<std::int64_t>(number);
    if (kind == "checkpoint") return CheckpointFact{step, {{"checkpoint/state", "sha", 9}}};
    return EvaluationFact{.step = 1, .values = {{"val/accuracy", number}}};
  }

  bool RunAttempt(const std::string& command, std::istringstream& words) {
    std::uint64_t id = 0;
    std::string what;
    if (command == "report") {
      words >> id >> what;
      Report(SessionOf(AttemptId{id}), AttemptId{id}, {FactOf(what, words)});
    } else if (command == "end") {
      words >> id >> what;
      Outcome outcome;
      if (what == "released") outcome.kind = OutcomeKind::kReleased;
      if (const auto failure = FailureFromName(what)) outcome = FailedWith(*failure);
      End(SessionOf(AttemptId{id}), AttemptId{id}, outcome);
    } else if (command == "explain") {
      words >> what;
      for (const std::string& reason : Explain(what)) out_ << "  " << reason << "\n";
    } else if (command == "pass") {
      words >> id;
      Pass(seconds(id));
    } else {
      return false;
    }
    return true;
  }

  static SweepSpec SpecOf(std::istringstream& words) {
    int trials = 0;
    words >> trials;
    SweepSpec spec = SweepOf(trials);
    for (std::string option; words >> option;) {
      const std::size_t equals = option.find('=');
      const int value = std::stoi(option.substr(equals + 1));
      const std::string name = option.substr(0, equals);
      if (name == "slots") spec.stages[0].resources.slots = value;
      if (name == "priority") spec.priority = spec.stages[0].priority = value;
      if (name == "crashes") spec.stages[0].retry.crashes = value;
    }
    return spec;
  }

  static SweepSpec FusionSpec() {
    StageSpec fusion = StageOf("fusion");
    fusion.needs.push_back({.stage = 0, .match = {{0, 0}}, .collect = {1}});
    return SweepOf({StageOf("experts", {IntAxis("expert", 2)}), fusion});
  }

  bool RunPerson(const std::string& command, std::istringstream& words) {
    if (command == "sweep") return Submit(SpecOf(words)).value > 0;
    if (command == "fusion") return Submit(FusionSpec()).value > 0;
    std::uint64_t id = 0;
    words >> id;
    const SweepId sweep{id};
    const WorkerId worker{id};
    if (command == "pause") {
      std::string now_word;
      words >> now_word;
      Turn(PauseSweep{NextRequest(), sweep, now_word == "now"});
    } else if (command == "resume") {
      Turn(ResumeSweep{NextRequest(), sweep});
    } else if (command == "cancel") {
      Turn(CancelSweep{NextRequest(), sweep, "not needed"});
    } else if (command == "retry") {
      Turn(RetryTrials{NextRequest(), sweep, {}});
    } else if (command == "remove") {
      Turn(DeleteSweep{NextRequest(), sweep});
    } else if (command == "drain") {
      std::uint64_t wait = 0;
      words >> wait;
      Turn(DrainWorker{NextRequest(), worker, now + seconds(wait), "maintenance"});
    } else if (command == "vouch") {
      Turn(ResumeWorker{NextRequest(), worker});
    } else {
      return false;
    }
    return true;
  }

  const std::filesystem::path path_;
  const bool rewrite_;
  std::ostringstream out_;
  std::map<std::string, SessionId> sessions_;
};

}  // namespace
}  // namespace fusor

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const bool rewrite = argc > 1 && std::string(argv[1]) == "--rewrite";
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(FUSOR_GOLDEN_DIR)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  for (const std::filesystem::path& path : paths) {
    testing::RegisterTest("Golden", path.stem().c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [=]() -> testing::Test* { return new fusor::GoldenTest(path, rewrite); });
  }
  return RUN_ALL_TESTS();
}
