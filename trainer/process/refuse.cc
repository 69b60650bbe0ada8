#include "trainer/process/refuse.h"

#include <cstdio>

#include "trainer/engine/guard.h"
#include "trainer/process/child.h"

namespace fusor {

int Refuse(const Status& status) {
  std::fprintf(stderr, "fusor-train: %s\n", status.message().c_str());
  return kExitBadInput;
}

int RunCommand(const std::function<Status()>& command) {
  Status status = Ok();
  const Outcome outcome = RunGuarded([&] {
    status = command();
    return Outcome{};
  });
  if (!status.ok()) return Refuse(status);
  if (outcome.kind != OutcomeKind::kFailed) return 0;
  std::fprintf(stderr, "fusor-train: %s\n", outcome.detail.c_str());
  return kExitFailed;
}

}  // namespace fusor
