#include "trainer/cuda/loader.h"

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>

namespace fusor {
namespace {

constexpr char kName[] = "libfusor_cuda.so";
constexpr int kMostCounted = 255;  // an exit status

std::string ProgramDirectory() {
  char path[4096];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  if (length <= 0) return ".";
  const std::string program(path, static_cast<std::size_t>(length));
  return program.substr(0, program.rfind('/'));
}

template <class Function>
Function Symbol(void* library, const char* name) {
  return reinterpret_cast<Function>(dlsym(library, name));
}

int AskDriver() {
  struct Close {
    void operator()(void* library) const { dlclose(library); }
  };
  const char* elsewhere = std::getenv("FUSOR_NVML_LIBRARY");
  const char* name = elsewhere == nullptr ? "libnvidia-ml.so.1" : elsewhere;
  std::unique_ptr<void, Close> nvml(dlopen(name, RTLD_NOW | RTLD_LOCAL));
  if (!nvml) return 0;
  auto start = Symbol<int (*)()>(nvml.get(), "nvmlInit_v2");
  auto count = Symbol<int (*)(unsigned*)>(nvml.get(), "nvmlDeviceGetCount_v2");
  auto stop = Symbol<int (*)()>(nvml.get(), "nvmlShutdown");
  if (start == nullptr || count == nullptr || stop == nullptr || start() != 0) return 0;
  unsigned found = 0;
  const bool counted = count(&found) == 0;
  stop();
  return counted ? static_cast<int>(found) : 0;
}

}  // namespace

int CountGpus() {
  // The driver's library leaves threads behind, and who asks wants to fork later.
  const pid_t child = fork();
  if (child < 0) return 0;
  if (child == 0) _exit(std::min(AskDriver(), kMostCounted));
  int ended = 0;
  while (waitpid(child, &ended, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(ended) ? WEXITSTATUS(ended) : 0;
}

Result<CudaPlugin*> LoadCudaPlugin() {
  const std::string directory = ProgramDirectory();
  std::string reasons;
  for (const std::string& path : {directory + "/" + kName, directory + "/../lib/fusor/" + kName}) {
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      reasons += std::string("\n  ") + dlerror();
      continue;
    }
    auto entry = Symbol<CudaPluginEntry>(library, kCudaPluginEntry);
    if (entry != nullptr) return entry();
    dlclose(library);
    reasons += "\n  " + path + ": is not this program's plug-in";
  }
  return FailedPrecondition(
      "the CUDA plug-in cannot be loaded (it is built where 'make setup "
      "CUDA=1' ran):" +
      reasons);
}

}  // namespace fusor
