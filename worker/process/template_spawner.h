#pragma once

// The template: a process that has the trainer's libraries loaded and forks trials on request
// (docs/trainer_contract.md). Started by the loop's thread, which never ends; started again
// whenever it dies, while the trials it forked run on.

#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "worker/process/child_watch.h"
#include "worker/process/spawner.h"
#include "worker/system/loop.h"

namespace fusor::agent {

// What the template says of itself when it is ready.
struct TemplateInfo {
  std::string program;
  std::string libtorch;
  std::string cuda;  // the CUDA version it was built for; empty without the plug-in
  std::uint64_t template_bytes = 0;
};

class TemplateSpawner : public Spawner {
 public:
  struct Options {
    std::filesystem::path program;
    std::vector<std::string> args = {"--template"};
    Duration restart_wait{200};  // doubles with every start in vain
    Duration restart_wait_max{30'000};
  };
  // Called whenever a template becomes ready, and when one ends.
  struct Listener {
    std::function<void(const TemplateInfo&)> ready;
    std::function<void(std::string why)> ended;
  };

  TemplateSpawner(Loop& loop, ChildWatch& children, Options options, Listener listener);
  ~TemplateSpawner() override;

  void Start();
  void Spawn(SpawnRequest request, Answer answer) override;

 private:
  struct Asked {
    SpawnRequest request;
    Answer answer;
  };

  Status Launch();
  void Ended(std::string why);
  void OnPacket();
  void HandlePacket(std::string_view text);
  void SendWaiting();
  Status Send(std::uint64_t tag, const SpawnRequest& request);
  void AnswerTag(std::uint64_t tag, Result<pid_t> result);

  Loop& loop_;
  ChildWatch& children_;
  const Options options_;
  const Listener listener_;
  // Callbacks of the loop and the reaper may outlive this.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

  pid_t pid_ = 0;
  UniqueFd socket_;
  bool ready_ = false;
  int starts_in_vain_ = 0;
  std::uint64_t next_tag_ = 1;
  std::deque<Asked> waiting_;              // for a template
  std::map<std::uint64_t, Answer> asked_;  // of the template; by tag
};

}  // namespace fusor::agent
