#include "common/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace fusor {

void CheckFailed(const char* file, int line, const char* claim) {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, claim);
  std::fflush(stderr);
  std::abort();
}

}  // namespace fusor
