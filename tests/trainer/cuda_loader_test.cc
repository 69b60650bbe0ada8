// Without a plug-in, or with something else in its place, the loader says what is wrong.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "trainer/cuda/loader.h"

namespace fusor {
namespace {

namespace fs = std::filesystem;

class CudaLoader : public ::testing::Test {
 protected:
  CudaLoader() { Clear(); }
  ~CudaLoader() override { Clear(); }

  void Clear() {
    fs::remove(beside_);
    fs::remove(in_lib_);
  }
  static std::string Refusal() {
    const auto plugin = LoadCudaPlugin();
    return plugin.ok() ? "loaded" : plugin.status().message();
  }

  const fs::path directory_ = fs::read_symlink("/proc/self/exe").parent_path();
  const fs::path beside_ = directory_ / "libfusor_cuda.so";
  const fs::path in_lib_ = directory_ / "../lib/fusor/libfusor_cuda.so";
};

TEST_F(CudaLoader, NamesBothPlacesAndWhatToDo) {
  const std::string refusal = Refusal();
  EXPECT_NE(refusal.find("make setup CUDA=1"), std::string::npos) << refusal;
  EXPECT_NE(refusal.find(beside_.string()), std::string::npos) << refusal;
  EXPECT_NE(refusal.find("/../lib/fusor/libfusor_cuda.so"), std::string::npos) << refusal;
}

TEST_F(CudaLoader, RefusesALibraryOfAnotherAge) {
  fs::copy_file(NOT_A_PLUGIN, beside_);
  const std::string refusal = Refusal();
  EXPECT_NE(refusal.find(beside_.string() + ": is not this program's plug-in"), std::string::npos)
      << refusal;
}

TEST_F(CudaLoader, RefusesWhatIsNoLibrary) {
  fs::create_directories(in_lib_.parent_path());
  std::ofstream(in_lib_) << "half a download";
  const std::string refusal = Refusal();
  EXPECT_NE(refusal.find("libfusor_cuda.so"), std::string::npos);
  EXPECT_NE(refusal.find("file too short"), std::string::npos) << refusal;
}

TEST(CountGpus, LeavesNoThreadBehind) {
  setenv("FUSOR_NVML_LIBRARY", THREADED_NVML, 1);
  EXPECT_EQ(CountGpus(), 3);
  const fs::directory_iterator threads("/proc/self/task");
  EXPECT_EQ(std::distance(begin(threads), end(threads)), 1);
}

TEST(CountGpus, WithoutADriverThereIsNone) {
  setenv("FUSOR_NVML_LIBRARY", "there-is-none.so", 1);
  EXPECT_EQ(CountGpus(), 0);
}

}  // namespace
}  // namespace fusor
