#include "trainer/process/heap.h"

#include <malloc.h>
#include <sys/mman.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace fusor {
namespace {

constexpr std::uintptr_t kHugePageBytes = 2 << 20;
constexpr int kCollapse = 25;  // MADV_COLLAPSE, which older headers lack

}  // namespace

void CollapseHeap() {
  std::FILE* maps = std::fopen("/proc/self/maps", "re");
  if (maps == nullptr) return;
  char line[512];
  while (std::fgets(line, sizeof line, maps) != nullptr) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    if (std::strstr(line, "[heap]") == nullptr ||
        std::sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &begin, &end) != 2) {
      continue;
    }
    // Whole huge pages only: a part of one would take memory that nobody asked for.
    begin = (begin + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
    end = end / kHugePageBytes * kHugePageBytes;
    if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, kCollapse);
    break;
  }
  std::fclose(maps);
}

void KeepFreedMemory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);  // never
#endif
}

}  // namespace fusor
