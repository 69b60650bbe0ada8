#pragma once

// Finds and loads the plug-in. Links nothing of CUDA.

#include <string>

#include "common/base/status.h"
#include "trainer/cuda/plugin.h"

namespace fusor {

// How many GPUs the driver's management library sees; 0 where there is none. Makes no CUDA call.
int CountGpus();

// libfusor_cuda.so from the program's own directory, or ../lib/fusor beside it, where it is
// installed. Loaded once and for good.
Result<CudaPlugin*> LoadCudaPlugin();

}  // namespace fusor
