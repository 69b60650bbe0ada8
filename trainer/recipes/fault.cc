#include "trainer/recipes/fault.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/full.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <vector>

namespace fusor {
namespace {

// Without a limit the kernel ends this sooner or later.
void TakeAllMemory() {
  std::vector<at::Tensor> taken;
  for (;;) taken.push_back(at::full({64 << 20}, 1, at::kByte));
}

}  // namespace

void Fault::StrikeAt(std::int64_t step) const {
  if (step != step_) return;
  if (kind_ == "crash") std::raise(SIGSEGV);
  if (kind_ == "exit") _exit(kFaultExitStatus);
  if (kind_ == "throw") {
    throw std::runtime_error("probe: asked to throw at step " + std::to_string(step));
  }
  if (kind_ == "oom") TakeAllMemory();
  while (kind_ == "hang") pause();
}

std::unique_ptr<Fault> FaultFromJob(const Job& job) {
  const std::string& kind = job.config.Text("fault");
  const std::int64_t attempts = job.config.Int("fault_attempts");
  if (kind == "none" || (attempts > 0 && job.number > attempts)) return nullptr;
  return std::make_unique<Fault>(kind, job.config.Int("fault_step"));
}

}  // namespace fusor
