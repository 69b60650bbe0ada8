// The plug-in loads on a machine without a GPU, says what it is, and starts nothing.

#include <gtest/gtest.h>

#include "trainer/cuda/loader.h"
#include "trainer/process/proc_status.h"

namespace fusor {
namespace {

TEST(CudaPlugin, LoadsWithoutAGpuAndWithoutAThread) {
  auto plugin = LoadCudaPlugin();
  ASSERT_TRUE(plugin.ok()) << plugin.status().message();
  EXPECT_TRUE((*plugin)->Version().starts_with("CUDA "));
  EXPECT_EQ(ThreadCount(), 1);
}

TEST(CudaPlugin, CountingGpusStartsNoThread) {
  EXPECT_GE(CountGpus(), 0);
  EXPECT_EQ(ThreadCount(), 1);
}

}  // namespace
}  // namespace fusor
