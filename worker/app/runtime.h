#pragma once

// The agent as a whole: the core and its edges on one loop. The thread that calls Run must be the
// program's first and outlive it: the trials' parent-death signals follow it.

#include <memory>
#include <optional>
#include <vector>

#include "worker/app/identity.h"
#include "worker/app/log.h"
#include "worker/app/options.h"
#include "worker/core/agent.h"
#include "worker/link/channel.h"
#include "worker/link/file_cache.h"
#include "worker/link/session_link.h"
#include "worker/link/transfers.h"
#include "worker/process/attempt_dirs.h"
#include "worker/process/cgroup.h"
#include "worker/process/child_watch.h"
#include "worker/process/dataset_fetcher.h"
#include "worker/process/dataset_watch.h"
#include "worker/process/process_table.h"
#include "worker/process/template_spawner.h"
#include "worker/spool/spool.h"
#include "worker/system/loop.h"

namespace fusor::agent {

class Runtime {
 public:
  // Takes the directory and the devices, cleans up after an earlier agent, starts the template.
  static Result<std::unique_ptr<Runtime>> Create(const WorkerOptions& options, const Log& log);
  ~Runtime();

  // Until the worker has left. False when it had to.
  bool Run();

 private:
  Runtime(const WorkerOptions& options, const Log& log) : options_(options), log_(log) {}

  // Create, in this order.
  Status OpenDirectory();
  Status OpenLoop();
  void OpenCgroups();
  Status OpenTrainer();
  Status OpenDevices();
  Status OpenSpool();
  void OpenDatasets();
  void SeeDatasets(std::vector<DatasetInfo> found);
  void OpenProcesses();
  void OpenCore();
  void OpenLink();

  Status RunUntil(Duration patience, const std::function<bool()>& reached);
  Time Turn();
  void TakeEvents(Effects& effects);
  // May what there is to send wait for more?
  bool MayGather(Time now, const Effects& effects);
  void EverySecond();
  void Emit(Event event) { events_.push_back(std::move(event)); }

  void Carry(Effects effects);
  void CarryPersists(const std::vector<Persist>& persists);
  void CarrySends(std::vector<WorkerMessage> messages);
  void CarryActions(const std::vector<Action>& actions);
  void CheckSpool();

  const WorkerOptions options_;
  const Log& log_;

  UniqueFd directory_lock_;
  Identity identity_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<ChildWatch> children_;
  UniqueFd signals_;
  std::unique_ptr<AttemptDirs> dirs_;
  std::unique_ptr<Spawner> spawner_;
  std::optional<TemplateInfo> template_;  // of the trainer, once it is ready
  std::string template_trouble_;
  DevicePlan devices_;
  std::unique_ptr<GpuMonitor> gpus_;
  std::unique_ptr<CgroupTree> cgroups_;
  std::unique_ptr<Spool> spool_;
  WorkerInfo info_;
  std::unique_ptr<Channel> channel_;
  std::unique_ptr<FileCache> cache_;
  std::unique_ptr<Transfers> transfers_;
  std::unique_ptr<ProcessTable> processes_;
  std::unique_ptr<SessionLink> link_;
  std::unique_ptr<Agent> core_;
  std::unique_ptr<DatasetWatch> datasets_;
  std::unique_ptr<DatasetFetcher> fetcher_;  // with --auto-fetch
  bool datasets_seen_ = false;

  std::vector<Event> events_;
  Time pump_at_ = kNever;                // facts wait for more until then
  std::vector<WorkerMessage> deferred_;  // facts that the disk has not taken yet
  SpoolLevel spool_level_ = SpoolLevel::kOk;
  bool spool_failed_ = false;
  bool done_ = false;
  bool failed_ = false;
};

}  // namespace fusor::agent
