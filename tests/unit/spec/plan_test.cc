#include "coordinator/spec/plan.h"

#include <gtest/gtest.h>

#include "coordinator/spec/parse.h"

namespace fusor {
namespace {

TEST(MakePlan, CountsCellsTrialsExclusionsAndClasses) {
  const SpecReport parsed = ParseSweep(
      "name: t\n"
      "stages:\n"
      "  experts: {recipe: probe, axes: {model: [x, y], expert: [0, 1, 2, 3]}}\n"
      "  fusion:\n"
      "    recipe: probe\n"
      "    needs: {experts: {match: model, collect: expert}}\n"
      "    axes: {model: [x, y], precision: [fp32, bf16], batch_size: [8, 16, 32]}\n"
      "    exclude: [{model: x, batch_size: 8}, {precision: bf16, batch_size: [8, 16]},\n"
      "              {batch_size: 64}]\n"
      "    params: {data: cifar10}\n"
      "seeds: [0, 1]\n"
      "resources: {device: gpu, slots: 2, cpus: 4, memory_gib: 16, labels: {zone: a}}\n"
      "precision_fallback: {bf16: fp32}\n");
  ASSERT_TRUE(parsed.spec);
  const PlanReport plan = MakePlan(*parsed.spec);
  EXPECT_EQ(plan.cells, 16U + 24U);
  EXPECT_EQ(plan.trials, 16U + 14U);
  ASSERT_EQ(plan.stages.size(), 2U);
  const PlanReport::Stage& fusion = plan.stages[1];
  EXPECT_EQ(fusion.axes,
            (std::vector<std::string>{"seed (2)", "model (2)", "precision (2)", "batch_size (3)"}));
  EXPECT_EQ(fusion.needs, std::vector<std::string>{"experts (4 per trial)"});
  ASSERT_EQ(fusion.excluded.size(), 3U);
  EXPECT_EQ(fusion.excluded[0].cells, 4U);
  EXPECT_EQ(fusion.excluded[1].cells, 6U);  // two of its eight were taken by the first rule
  EXPECT_EQ(fusion.excluded[2].cells, 0U);
  EXPECT_EQ(fusion.excluded[1].rule, "{precision: bf16, batch_size: [8, 16]}");
  ASSERT_EQ(fusion.classes.size(), 2U);
  EXPECT_EQ(fusion.classes[0].trials, 10U);
  EXPECT_EQ(fusion.classes[1].trials, 4U);
  EXPECT_EQ(fusion.classes[1].text,
            "2 gpu slots on one worker, 4 cpus, 16 GiB of memory per slot, precision bf16 (else "
            "fp32), data cifar10, zone=a");
}

TEST(RequirementText, NamesWhatIsAskedFor) {
  Requirement requirement;
  EXPECT_EQ(RequirementText(requirement), "1 slot");
  requirement.resources = {.device = DeviceKind::kCpu,
                           .slots = 1,
                           .per_worker = 0,
                           .spread = Spread::kOneWorker,
                           .cpus = 1,
                           .device_memory_gib = 0,
                           .memory_gib = 1.5,
                           .disk_gib = 5,
                           .labels = {}};
  EXPECT_EQ(RequirementText(requirement), "1 cpu slot, 1 cpu, 1.5 GiB of memory, 5 GiB of disk");
  requirement.resources = {};
  requirement.resources.slots = 8;
  requirement.resources.per_worker = 4;
  requirement.gpu_type = "H200";
  EXPECT_EQ(RequirementText(requirement), "8 slots, 4 on each worker, gpu type H200");
  requirement.resources.per_worker = 0;
  requirement.resources.spread = Spread::kAny;
  EXPECT_EQ(RequirementText(requirement), "8 slots on any workers, gpu type H200");
}

}  // namespace
}  // namespace fusor
