#include "trainer/recipes/registry.h"

#include "trainer/recipes/expert.h"
#include "trainer/recipes/probe.h"

namespace fusor {

Result<std::unique_ptr<Task>> MakeTask(const Job& job) {
  if (job.recipe->name == "probe") return MakeProbe(job);
  if (job.recipe->name == "expert") return MakeExpert(job);
  return InvalidArgument("this trainer has no recipe '" + job.recipe->name + "'");
}

}  // namespace fusor
