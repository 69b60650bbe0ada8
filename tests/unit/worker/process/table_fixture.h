#pragma once

// A process table whose trials are shell scripts that keep the contract themselves, and everything
// that it says.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "tests/unit/worker/process/loop_fixture.h"
#include "worker/process/direct_spawner.h"
#include "worker/process/process_table.h"

namespace fusor::agent {

inline constexpr TaskKey kTask{AttemptId{7}, 0};

inline constexpr const char* kProgress =
    "echo '{\"f\":\"progress\",\"step\":1,\"steps\":9,\"phase\":\"train\"}' >&3\n";

// Starts trials at once, and says so when a test asks for it.
class LateSpawner final : public Spawner {
 public:
  explicit LateSpawner(Spawner& spawner) : spawner_(spawner) {}

  void Spawn(SpawnRequest request, Answer answer) override {
    spawner_.Spawn(std::move(request), [this, answer](const Result<pid_t>& pid) {
      say_ = [answer, pid] { answer(pid); };
    });
  }
  void Say() { say_(); }

 private:
  Spawner& spawner_;
  std::function<void()> say_;
};

class ProcessTableTest : public LoopFixture {
 protected:
  ProcessTableTest() : dirs_(dir_.path() / "attempts") {}

  // `body` runs after the contract's first line.
  void Start(const std::string& body, double memory_gib = 0) {
    StartScript("echo '{\"contract\":1}' >&3\n" + body, memory_gib);
  }
  void StartScript(const std::string& text, double memory_gib = 0) {
    const std::filesystem::path script = dir_.path() / "trial.sh";
    std::ofstream(script) << "#!/bin/sh\n" << text;
    chmod(script.c_str(), 0755);
    spawner_ = std::make_unique<DirectSpawner>(script);
    late_ = std::make_unique<LateSpawner>(*spawner_);
    SlotPlan plan;
    plan.info = slot_;
    plan.info.cpus = 3;
    plan.env["FROM_SLOT"] = "yes";
    table_ = std::make_unique<ProcessTable>(
        ProcessTableParts{.loop = *loop_,
                          .children = *children_,
                          .spawner = answers_late_ ? static_cast<Spawner&>(*late_) : *spawner_,
                          .dirs = dirs_,
                          .slots = {plan},
                          .gpus = gpus_.get(),
                          .cgroups = cgroups_.get(),
                          .root = root_,
                          .emit = [this](Event event) { Keep(std::move(event)); }});
    StartProcess start{.task = kTask};
    start.start.attempt = kTask.attempt;
    start.start.name = "task-0";
    start.start.memory_gib = memory_gib;
    table_->Perform(start);
  }

  // A test that expects much only counts.
  virtual void Keep(Event event) { events_.push_back(std::move(event)); }

  template <class What>
  std::vector<What> All() const {
    std::vector<What> found;
    for (const Event& event : events_) {
      if (const auto* what = std::get_if<What>(&event)) found.push_back(*what);
    }
    return found;
  }
  template <class What>
  bool Happened() const {
    return !All<What>().empty();
  }
  template <class What>
  std::vector<What> Facts() const {
    std::vector<What> found;
    for (const Reported& reported : All<Reported>()) {
      if (const auto* fact = std::get_if<What>(&reported.body)) found.push_back(*fact);
    }
    return found;
  }
  std::string Logs() const {
    std::string text;
    for (const LogFact& log : Facts<LogFact>()) text += log.text;
    return text;
  }
  bool WaitForEnd() {
    return WaitFor([this] { return Happened<SlotFreed>(); });
  }
  bool WaitForProgress() {
    return WaitFor([this] { return !Facts<ProgressFact>().empty(); });
  }
  pid_t PidFromLog() const {
    pid_t pid = 0;
    std::istringstream(Logs()) >> pid;
    return pid;
  }

  AttemptDirs dirs_;
  SlotInfo slot_;
  std::filesystem::path root_ = "/";
  std::unique_ptr<GpuMonitor> gpus_;
  std::unique_ptr<CgroupTree> cgroups_;
  std::vector<Event> events_;
  bool answers_late_ = false;
  std::unique_ptr<DirectSpawner> spawner_;
  std::unique_ptr<LateSpawner> late_;
  std::unique_ptr<ProcessTable> table_;
};

}  // namespace fusor::agent
