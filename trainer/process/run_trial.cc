#include "trainer/process/run_trial.h"

#include <ATen/Parallel.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "trainer/contract/fact_reporter.h"
#include "trainer/contract/replica_reporter.h"
#include "trainer/cuda/loader.h"
#include "trainer/engine/guard.h"
#include "trainer/engine/loop.h"
#include "trainer/io/atomic_file.h"
#include "trainer/process/child.h"
#include "trainer/process/heap.h"
#include "trainer/process/log_reporter.h"
#include "trainer/process/memory_advice.h"
#include "trainer/process/proc_status.h"
#include "trainer/recipes/registry.h"

namespace fusor {
namespace {

constexpr std::size_t kJobBytesMax = 16 << 20;

std::string TextOr(const Config& config, const char* name, const char* otherwise) {
  auto it = config.values().find(name);
  const auto* text = it == config.values().end() ? nullptr : std::get_if<std::string>(&it->second);
  return text == nullptr ? otherwise : *text;
}

// Precision belongs to the numerics: a checkpoint may be taken up in another one, knowingly.
RunIdentity IdentityOf(const Job& job, const HostInfo& host) {
  ParamValues values = job.config.values();
  values.erase("precision");
  values.erase("cuda_graph");
  values.erase("tune_convolutions");
  RunIdentity identity;
  identity.config =
      job.recipe->name + "/" + std::to_string(job.recipe->version) + " " + CanonicalConfig(values);
  identity.numerics =
      "threads=" + std::to_string(job.threads) + " isa=" + host.isa + " device=" + job.device +
      " precision=" + TextOr(job.config, "precision", "fp32") + " libtorch=" + host.libtorch;
  return identity;
}

LoopOptions OptionsOf(const Job& job, const HostInfo& host) {
  LoopOptions options;
  options.checkpoint = job.checkpoint;
  const ParamValues& values = job.config.values();
  if (values.contains("checkpoint_every") && job.config.Int("checkpoint_every") > 0) {
    options.checkpoint = {job.config.Int("checkpoint_every"), 0};
  }
  options.policy = PolicyOf(job.config);
  options.resume = job.resume;
  options.identity = IdentityOf(job, host);
  options.info = {
      {"program", host.program}, {"libtorch", host.libtorch},
      {"host", host.host},       {"cpu", host.cpu},
      {"isa", host.isa},         {"threads", std::to_string(job.threads)},
      {"device", job.device},    {"precision", TextOr(job.config, "precision", "fp32")}};
  return options;
}

MemoryUse MemoryOf(const CudaPlugin* cuda) {
  if (cuda != nullptr) {
    const CudaMemory memory = cuda->Memory();
    return {memory.allocated_bytes, memory.reserved_bytes, memory.peak_bytes};
  }
  const ProcStatus status = ReadProcStatus();
  return {status.anonymous_bytes, status.anonymous_bytes, status.peak_bytes};
}

Result<Job> ReadJob(const std::string& path) {
  auto text = ReadFile(path, kJobBytesMax);
  if (!text.ok()) return text.status();
  return ParseJob(*text);
}

}  // namespace

int WatchSignals(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : signals) sigaddset(&set, signal);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  return signalfd(-1, &set, SFD_CLOEXEC);
}

Result<Device> OpenDevice(const Job& job) {
  if (job.device == "cpu") return Device();
  auto plugin = LoadCudaPlugin();
  if (!plugin.ok()) return plugin.status();
  (*plugin)->Start();
  (*plugin)->AllowTf32(TextOr(job.config, "precision", "fp32") == "tf32");
  return Device{at::Device(at::kCUDA, 0), *plugin};
}

Outcome RunTrial(const Job& job, const HostInfo& host, Reporter& reporter, Control& control) {
  std::int64_t step = 0;
  std::optional<MemoryKinds> kinds;
  CudaPlugin* cuda = nullptr;
  Outcome outcome = RunGuarded([&] {
    KeepFreedMemory();
    at::set_num_threads(job.threads);
    auto device = OpenDevice(job);
    if (!device.ok()) return FailedBy(device.status());
    cuda = device->cuda;
    auto task = MakeTask(job, *device);
    if (!task.ok()) return FailedBy(task.status());
    LoopOptions options = OptionsOf(job, host);
    if (cuda != nullptr) options.info["device_name"] = cuda->DeviceName();
    options.memory = [cuda] { return MemoryOf(cuda); };
    options.cuda = cuda;
    options.read_late = cuda != nullptr && options.policy.StepsUnseen();
    Loop loop(std::move(options), **task, reporter, control);
    try {
      Outcome ended = loop.Run();
      step = loop.step();
      return ended;
    } catch (...) {
      step = loop.step();
      kinds = loop.memory_kinds();
      throw;
    }
  });
  const bool device = outcome.failure == Failure::kOutOfMemoryDevice;
  if (device && cuda != nullptr) {
    const CudaMemory memory = cuda->Memory();
    outcome.detail += "; peak " + std::to_string(memory.peak_bytes >> 20) + " of " +
                      std::to_string(memory.total_bytes >> 20) + " MiB of device memory";
  }
  if (device || outcome.failure == Failure::kOutOfMemoryHost) {
    outcome.detail +=
        MemoryAdvice(job.config, {.kinds = kinds,
                                  .peak_bytes = MemoryOf(device ? cuda : nullptr).peak_bytes,
                                  .on_device = device});
  }
  reporter.Ended(step, outcome);
  return outcome;
}

int RunJob(const std::string& job_path, const HostInfo& host) {
  FactReporter facts(kFactsDescriptor);
  auto job = ReadJob(job_path);
  Status ready = job.ok() ? ApplyPlacement(*job) : job.status();
  if (!ready.ok()) {
    std::fprintf(stderr, "fusor-train: %s\n", ready.message().c_str());
    facts.Ended(0, {OutcomeKind::kFailed, Failure::kCrashedException, 0, ready.message()});
    return kExitBadJob;
  }
  Control control({.command_fd = kCommandsDescriptor,
                   .signal_fd = WatchSignals({SIGTERM}),
                   .abort = [] { _exit(kExitAborted); }});
  ReplicaReporter replica(facts);
  LogReporter logged(facts, stdout);
  Reporter* reporter = &logged;
  if (job->rank != 0) reporter = &replica;
  Outcome outcome = RunTrial(*job, host, *reporter, control);
  std::fflush(nullptr);
  if (facts.reader_gone()) return kExitAborted;
  return outcome.kind == OutcomeKind::kFailed ? kExitFailed : 0;
}

}  // namespace fusor
