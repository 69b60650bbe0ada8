#include "trainer/recipes/registry.h"

#include "trainer/recipes/expert.h"
#include "trainer/recipes/fusion.h"
#include "trainer/recipes/probe.h"

namespace fusor {

Result<std::unique_ptr<Task>> MakeTask(const Job& job, const Device& device) {
  if (job.recipe->name == "probe") return MakeProbe(job, device);
  if (job.recipe->name == "expert") return MakeExpert(job, device);
  if (job.recipe->name == "fusion") return MakeFusionTask(job, device);
  return InvalidArgument("this trainer has no recipe '" + job.recipe->name + "'");
}

}  // namespace fusor
