#include "trainer/math/parallel.h"

#include <ATen/Parallel.h>

// Without it at::parallel_for compiles to a plain call.
#ifndef _OPENMP
#error "compile this file with -fopenmp (target fusor::openmp)"
#endif

namespace fusor {

void ParallelFor(std::int64_t count, std::int64_t least,
                 const std::function<void(std::int64_t, std::int64_t)>& work) {
  at::parallel_for(0, count, least, work);
}

}  // namespace fusor
