#pragma once

// Which recipe is made by which code.

#include <memory>
#include <string>

#include "common/base/status.h"
#include "trainer/contract/job.h"
#include "trainer/engine/device.h"
#include "trainer/engine/task.h"

namespace fusor {

// The task of a checked job.
Result<std::unique_ptr<Task>> MakeTask(const Job& job, const Device& device);

}  // namespace fusor
