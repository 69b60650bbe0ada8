#pragma once

// Recipe `expert`: one image classifier of a group, on its share of the training images.

#include <memory>

#include "common/base/status.h"
#include "trainer/contract/job.h"
#include "trainer/engine/device.h"
#include "trainer/engine/task.h"

namespace fusor {

Result<std::unique_ptr<Task>> MakeExpert(const Job& job, const Device& device);

}  // namespace fusor
