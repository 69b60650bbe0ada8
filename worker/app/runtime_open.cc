// How the agent comes up: each edge in its turn, each failure with one clear line.

#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "worker/app/runtime.h"
#include "worker/process/direct_spawner.h"
#include "worker/process/gpu_lock.h"
#include "worker/process/host.h"
#include "worker/process/proc_stat.h"
#include "worker/system/files.h"

namespace fusor::agent {

namespace {

constexpr Duration kTemplatePatience{120'000};
constexpr Duration kDatasetsPatience{2'000};
constexpr double kGib = 1024.0 * 1024.0 * 1024.0;

std::optional<std::string> Variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  return value;
}

}  // namespace

Result<std::unique_ptr<Runtime>> Runtime::Create(const WorkerOptions& options, const Log& log) {
  std::unique_ptr<Runtime> runtime(new Runtime(options, log));
  RETURN_IF_ERROR(runtime->OpenDirectory());
  RETURN_IF_ERROR(runtime->OpenLoop());
  runtime->OpenCgroups();
  RETURN_IF_ERROR(runtime->OpenTrainer());
  RETURN_IF_ERROR(runtime->OpenDevices());
  RETURN_IF_ERROR(runtime->OpenSpool());
  runtime->OpenDatasets();
  runtime->OpenProcesses();
  runtime->OpenCore();
  runtime->OpenLink();
  return runtime;
}

Status Runtime::OpenDirectory() {
  RETURN_IF_ERROR(MakeDirectory(options_.data));
  Result<UniqueFd> lock = LockFile(options_.data / "lock");
  if (!lock.ok()) {
    return FailedPrecondition("--data " + options_.data.string() +
                              ": another fusor-worker uses it (" + lock.status().message() + ")");
  }
  directory_lock_ = std::move(*lock);
  Result<Identity> identity = TakeIdentity(options_.data);
  if (!identity.ok()) return identity.status();
  identity_ = std::move(*identity);
  dirs_ = std::make_unique<AttemptDirs>(options_.data / "attempts");
  const Result<std::vector<std::string>> cleaned = dirs_->CleanUp();
  if (!cleaned.ok()) return cleaned.status();
  for (const std::string& line : *cleaned) log_.Warn("cleaned_up", {{"text", line}});
  // Every process that comes of this worker inherits it, wherever it goes.
  if (setenv(AttemptDirs::kMarkName, dirs_->Identity().c_str(), 1) != 0) {
    return SystemError("setenv");
  }
  return Ok();
}

Status Runtime::OpenLoop() {
  Result<std::unique_ptr<Loop>> loop = Loop::Create();
  if (!loop.ok()) return loop.status();
  loop_ = std::move(*loop);
  Result<std::unique_ptr<ChildWatch>> children = ChildWatch::Create(*loop_);
  if (!children.ok()) return children.status();
  children_ = std::move(*children);
  // A write to a trial that has ended must not end the agent, nor one beyond a file size limit.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT}) sigaddset(&set, number);
  if (pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) return SystemError("signal mask");
  signals_ = UniqueFd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return SystemError("signalfd");
  loop_->Watch(signals_.get(), EPOLLIN, [this](std::uint32_t) {
    signalfd_siginfo info{};
    while (read(signals_.get(), &info, sizeof info) == sizeof info) {
      const bool terminal = info.ssi_signo == static_cast<std::uint32_t>(SIGINT);
      log_.Info("shutdown", {{"signal", terminal ? "SIGINT" : "SIGTERM"}});
      Emit(ShutdownRequested{terminal ? "interrupted by a person" : "the worker was told to end"});
      if (core_ == nullptr) done_ = true;
    }
  });
  return Ok();
}

// Before the first child: the kernel hands memory out only while no process is left in the group.
void Runtime::OpenCgroups() {
  Result<std::unique_ptr<CgroupTree>> cgroups = CgroupTree::Take("/");
  log_.Info("memory_limits", {{"by", cgroups.ok() ? "cgroup v2" : "watching"},
                              {"why", cgroups.ok() ? "" : cgroups.status().message()}});
  if (cgroups.ok()) cgroups_ = std::move(*cgroups);
}

Status Runtime::OpenTrainer() {
  if (!options_.trial_program.empty()) {
    spawner_ = std::make_unique<DirectSpawner>(options_.trial_program);
    return Ok();
  }
  TemplateSpawner::Listener listener{
      .ready =
          [this](const TemplateInfo& info) {
            template_ = info;
            log_.Info("template_ready", {{"program", info.program},
                                         {"libtorch", info.libtorch},
                                         {"cuda", info.cuda},
                                         {"bytes", std::to_string(info.template_bytes)}});
          },
      .ended =
          [this](const std::string& why) {
            template_trouble_ = why;
            if (!done_) log_.Warn("template_ended", {{"how", why}});
          }};
  auto spawner = std::make_unique<TemplateSpawner>(
      *loop_, *children_, TemplateSpawner::Options{.program = options_.trainer},
      std::move(listener));
  spawner->Start();
  spawner_ = std::move(spawner);
  RETURN_IF_ERROR(
      RunUntil(kTemplatePatience, [this] { return template_ || !template_trouble_.empty(); }));
  if (template_) return Ok();
  return FailedPrecondition(
      "the trainer " + options_.trainer.string() + " --template does not start: " +
      (template_trouble_.empty() ? "it says nothing" : "it " + template_trouble_));
}

Status Runtime::OpenDevices() {
  DeviceOptions options{.kind = options_.device,
                        .slots = options_.slots,
                        .memory_gib = options_.memory_gib,
                        .precisions = options_.precisions,
                        .cuda_visible_devices = Variable("CUDA_VISIBLE_DEVICES"),
                        .cuda_device_order = Variable("CUDA_DEVICE_ORDER"),
                        .data_directory = options_.data,
                        .lock_directory = RuntimeDirectory()};
  // A program of another maker knows itself what it can use.
  options.trainer_cuda = template_ ? template_->cuda : "0";
  std::unique_ptr<Nvml> nvml;
  if (options_.device != DeviceKind::kCpu) {
    Result<std::unique_ptr<Nvml>> loaded = Nvml::Load(Variable("FUSOR_NVML_LIBRARY").value_or(""));
    if (loaded.ok()) {
      nvml = std::move(*loaded);
    } else if (loaded.status().code() != Code::kNotFound) {
      info_.notes.push_back("GPUs are not offered: " + loaded.status().message());
    }
  }
  Result<DevicePlan> plan = PlanDevices(options, ReadHostLimits("/", OwnAffinity()), nvml.get());
  if (!plan.ok()) return plan.status();
  devices_ = std::move(*plan);
  info_.notes.insert(info_.notes.end(), devices_.notes.begin(), devices_.notes.end());
  for (const std::string& note : info_.notes) log_.Warn("not_offered", {{"text", note}});
  std::vector<std::string> uuids;
  for (const SlotPlan& slot : devices_.slots) {
    if (slot.info.gpu) uuids.push_back(slot.info.device_uuid);
  }
  if (!uuids.empty()) gpus_ = std::make_unique<GpuMonitor>(std::move(nvml), std::move(uuids));
  return Ok();
}

Status Runtime::OpenSpool() {
  const auto bytes = static_cast<std::uint64_t>(options_.spool_gib * kGib);
  Result<std::unique_ptr<Spool>> spool =
      Spool::Open({.directory = options_.data / "spool",
                   .boot_id = BootId(),
                   .bytes_max = bytes,
                   .reserve_bytes = std::min(limits::kSpoolReserveBytes, bytes / 4)},
                  [this](TaskKey task, std::uint64_t number) {
                    loop_->Post([this, task, number] { Emit(SpoolSynced{task, number}); });
                  });
  if (!spool.ok()) return spool.status();
  spool_ = std::move(*spool);
  return Ok();
}

void Runtime::OpenDatasets() {
  if (options_.datasets.empty()) return;
  if (options_.auto_fetch) {
    fetcher_ = std::make_unique<DatasetFetcher>(
        DatasetFetcherParts{.loop = *loop_,
                            .datasets = options_.datasets,
                            .from = options_.fetch_from,
                            .emit = [this](Event event) { Emit(std::move(event)); },
                            .fetched = [this] { datasets_->LookNow(); }});
  }
  datasets_ = std::make_unique<DatasetWatch>(
      options_.datasets, options_.data / "datasets.cache", [this](std::vector<DatasetInfo> found) {
        loop_->Post([this, found = std::move(found)]() mutable { SeeDatasets(std::move(found)); });
      });
  // Usually there at once; a large new one is announced when it is known.
  static_cast<void>(RunUntil(kDatasetsPatience, [this] { return datasets_seen_; }).ok());
}

void Runtime::SeeDatasets(std::vector<DatasetInfo> found) {
  for (const DatasetInfo& dataset : found) {
    log_.Info("dataset", {{"name", dataset.name}, {"fingerprint", dataset.fingerprint}});
  }
  if (options_.auto_fetch) {
    const Status status = AddFetchable(options_.datasets, found);
    if (!status.ok()) log_.Warn("catalogue", {{"error", status.message()}});
  }
  info_.datasets = std::move(found);
  datasets_seen_ = true;
  if (core_ != nullptr) Emit(InfoChanged{info_});
}

void Runtime::OpenProcesses() {
  channel_ = std::make_unique<Channel>(options_.coordinator, options_.token_file);
  cache_ = std::make_unique<FileCache>(options_.data / "cache",
                                       static_cast<std::uint64_t>(options_.cache_gib * kGib));
  const auto emit = [this](Event event) { Emit(std::move(event)); };
  transfers_ = std::make_unique<Transfers>(
      *loop_, *channel_, *cache_,
      TransferPlaces{
          .staged = [this](TaskKey task, StagedId staged) { return dirs_->Staged(task, staged); },
          .input = [this](TaskKey task) { return dirs_->Input(task); }},
      emit);
  processes_ =
      std::make_unique<ProcessTable>(ProcessTableParts{.loop = *loop_,
                                                       .children = *children_,
                                                       .spawner = *spawner_,
                                                       .dirs = *dirs_,
                                                       .slots = devices_.slots,
                                                       .gpus = gpus_.get(),
                                                       .cgroups = cgroups_.get(),
                                                       .datasets_directory = options_.datasets,
                                                       .emit = emit});
}

void Runtime::OpenCore() {
  info_.uid = identity_.uid;
  info_.incarnation = identity_.incarnation;
  info_.name = options_.name;
  info_.version = FUSOR_VERSION;
  for (const SlotPlan& slot : devices_.slots) info_.slots.push_back(slot.info);
  info_.precisions = devices_.precisions;
  info_.labels = options_.labels;
  AgentOptions options{.info = info_,
                       .cluster_id = identity_.cluster_id,
                       .generation = identity_.generation,
                       .checkpoint_grace = Duration(
                           static_cast<std::int64_t>(options_.checkpoint_grace_seconds * 1'000))};
  core_ = std::make_unique<Agent>(std::move(options), spool_->Restored(), loop_->Now());
}

void Runtime::OpenLink() {
  link_ = std::make_unique<SessionLink>(
      *loop_, *channel_,
      SessionLink::Callbacks{.up = [this] { Emit(LinkUp{}); },
                             .down =
                                 [this](const Status& why) {
                                   deferred_.clear();
                                   if (!done_) log_.Warn("link_down", {{"error", why.message()}});
                                   Emit(LinkDown{});
                                 },
                             .received =
                                 [this](std::vector<CoordinatorMessage> messages) {
                                   for (CoordinatorMessage& message : messages)
                                     Emit(Received{std::move(message)});
                                 }});
  log_.Info("up", {{"worker", info_.name},
                   {"uid", info_.uid},
                   {"slots", std::to_string(info_.slots.size())},
                   {"device", info_.slots.front().gpu ? "gpu" : "cpu"},
                   {"coordinator", options_.coordinator},
                   {"held", std::to_string(core_->Held().size())}});
  link_->Open();
}

Status Runtime::RunUntil(Duration patience, const std::function<bool()>& reached) {
  const Time deadline = loop_->Now() + patience;
  loop_->SetTurn([&] {
    if (reached() || done_ || loop_->Now() >= deadline) loop_->Stop();
    return deadline;
  });
  if (!reached()) loop_->Run();
  loop_->SetTurn({});
  return done_ ? Unavailable("told to end before it was up") : Ok();
}

}  // namespace fusor::agent
