// As the driver's management library does on some machines, this one leaves a thread behind.

#include <unistd.h>

#include <thread>

extern "C" {
int nvmlInit_v2() {
  std::thread(pause).detach();
  return 0;
}
int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = 3;
  return 0;
}
int nvmlShutdown() { return 0; }
}
