#include "trainer/engine/guard.h"

#include <c10/util/Exception.h>

#include <exception>
#include <fstream>
#include <new>
#include <string>
#include <string_view>

namespace fusor {
namespace {

// "VmHWM:  123456 kB" as MiB.
std::string PeakText() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("VmHWM:")) continue;
    return "peak " + std::to_string(std::stoull(line.substr(6)) >> 10) + " MiB resident";
  }
  return "peak unknown";
}

std::string FirstLine(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

Outcome HostMemory(std::string_view what) {
  // The allocator's message begins with where in its source it stands.
  constexpr std::string_view kAllocator = "DefaultCPUAllocator: ";
  if (auto at = what.find(kAllocator); at != std::string_view::npos) {
    what.remove_prefix(at + kAllocator.size());
  }
  return Failed(Failure::kOutOfMemoryHost, FirstLine(what) + "; " + PeakText());
}

// LibTorch's host allocator and oneDNN have no exception types of their own for this.
bool MeansHostMemory(std::string_view what) {
  for (std::string_view sign : {"DefaultCPUAllocator", "can't allocate memory", "out of memory",
                                "Cannot allocate memory", "could not allocate"}) {
    if (what.find(sign) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

Outcome RunGuarded(const std::function<Outcome()>& body) {
  try {
    return body();
  } catch (const c10::OutOfMemoryError& error) {
    return Failed(Failure::kOutOfMemoryDevice, FirstLine(error.what_without_backtrace()));
  } catch (const c10::Error& error) {
    const char* what = error.what_without_backtrace();
    if (std::string_view(what).find("CUDA error: out of memory") != std::string_view::npos) {
      return Failed(Failure::kOutOfMemoryDevice, FirstLine(what));
    }
    if (MeansHostMemory(what)) return HostMemory(what);
    return Failed(Failure::kCrashedException, FirstLine(what));
  } catch (const std::bad_alloc& error) {
    return HostMemory(error.what());
  } catch (const std::exception& error) {
    if (MeansHostMemory(error.what())) return HostMemory(error.what());
    return Failed(Failure::kCrashedException, FirstLine(error.what()));
  }
}

Outcome Failed(Failure failure, std::string detail) {
  return {OutcomeKind::kFailed, failure, 0, std::move(detail)};
}

Outcome Crashed(const Status& status) {
  return Failed(Failure::kCrashedException, status.message());
}

Outcome FailedBy(const Status& status) {
  const bool data = status.code() == Code::kDataLoss || status.code() == Code::kNotFound;
  return Failed(data ? Failure::kBadData : Failure::kCrashedException, status.message());
}

}  // namespace fusor
