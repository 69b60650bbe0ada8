#pragma once

// What an attempt's record says about program and machine. Read once, before any trial is forked.

#include <string>

namespace fusor {

struct HostInfo {
  std::string program;   // "fusor-train 0.1.0"
  std::string libtorch;  // "2.11.0"
  std::string host;
  std::string cpu;  // model name
  std::string isa;  // what numeric kernels are chosen by, e.g. "AVX512+bf16"
};

HostInfo ReadHostInfo();

}  // namespace fusor
