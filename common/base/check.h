#pragma once

// CHECK states what only a programmer's error can break. It is on in every build. Never CHECK what
// a peer, a disk, a file or a user said: that is a Status.

namespace fusor {

// Prints the broken claim and aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* claim);

}  // namespace fusor

// LibTorch's logging has a macro of the same name.
#undef CHECK
#define CHECK(claim)                                    \
  do {                                                  \
    if (!(claim)) [[unlikely]] {                        \
      ::fusor::CheckFailed(__FILE__, __LINE__, #claim); \
    }                                                   \
  } while (false)
