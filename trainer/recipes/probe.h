#pragma once

// Recipe `probe`: fits a small linear problem that it makes up from its parameters, so that
// everything around training can be tried out: rates, loads, metrics, checkpoints and every kind of
// failure.
//
//   rows R with entries +-1, Y = s R W* + noise;  loss = mean (s R W - Y)^2, minimised by plain
//   gradient descent from W = 0; with s^2 = 1.25 m it converges for rates up to about 0.2.

#include <memory>

#include "common/base/status.h"
#include "trainer/contract/job.h"
#include "trainer/engine/device.h"
#include "trainer/engine/task.h"

namespace fusor {

Result<std::unique_ptr<Task>> MakeProbe(const Job& job, const Device& device);

}  // namespace fusor
