#include "trainer/process/check_command.h"

#include <ATen/core/grad_mode.h>

#include <cstdio>
#include <string_view>

#include "trainer/engine/guard.h"
#include "trainer/engine/task.h"
#include "trainer/process/arguments.h"
#include "trainer/process/child.h"
#include "trainer/process/refuse.h"
#include "trainer/recipes/registry.h"

namespace fusor {
namespace {

constexpr char kHelp[] =
    "fusor-train check RECIPE [--config FILE.yaml] [KEY=VALUE...]\n"
    "Whether the configuration is good, and whether the files that it names (init_experts, "
    "splits,\n"
    "...) are there and fit the model. Trains nothing and needs no data. Exit status 1 when\n"
    "something is wrong, each thing on a line of its own.\n";

// Tensors of the device `meta` have shapes and no contents: nothing is computed.
Status Check(const Job& job) {
  at::NoGradGuard no_grad;
  auto task = MakeTask(job, Device{at::Device(at::kMeta), nullptr});
  return task.ok() ? (*task)->CheckFiles() : task.status();
}

}  // namespace

int RunCheck(std::span<const char* const> arguments) {
  if (arguments.empty() || std::string_view(arguments[0]) == "--help") {
    std::fputs(kHelp, stdout);
    return 0;
  }
  const auto parsed = ParseArguments(arguments);
  if (!parsed.ok()) return Refuse(parsed.status());
  std::string wrong;
  const Outcome outcome = RunGuarded([&] {
    wrong = Check(parsed->job).message();
    return Outcome{};
  });
  if (outcome.kind == OutcomeKind::kFailed) wrong = outcome.detail;
  if (wrong.empty()) return 0;
  std::printf("%s\n", wrong.c_str());
  return kExitFailed;
}

}  // namespace fusor
