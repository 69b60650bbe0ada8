#include "trainer/process/host_info.h"

#include <ATen/Version.h>
#include <torch/headeronly/version.h>
#include <unistd.h>

#include <fstream>

namespace fusor {
namespace {

std::string CpuModel() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(": ") + 2);
  }
  return "unknown";
}

std::string InstructionSet() {
  std::string isa = at::get_cpu_capability();
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bf16")) isa += "+bf16";
#endif
  return isa;
}

}  // namespace

HostInfo ReadHostInfo() {
  HostInfo info;
  info.program = "fusor-train " FUSOR_VERSION;
  info.libtorch = TORCH_VERSION;
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  info.host = name;
  info.cpu = CpuModel();
  info.isa = InstructionSet();
  return info;
}

}  // namespace fusor
