#pragma once

// Recipe `fusion`: experts joined by a fusion module and trained on together.

#include <memory>

#include "common/base/status.h"
#include "trainer/contract/job.h"
#include "trainer/engine/device.h"
#include "trainer/engine/task.h"

namespace fusor {

Result<std::unique_ptr<Task>> MakeFusionTask(const Job& job, const Device& device);

}  // namespace fusor
