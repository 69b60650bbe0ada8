#include "worker/app/identity.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <sstream>

#include "worker/system/files.h"

namespace fusor::agent {

namespace {

Result<std::string> NewUid() {
  std::array<unsigned char, 16> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return SystemError("random numbers");
  }
  std::string uid;
  for (const unsigned char byte : bytes) {
    constexpr char kHex[] = "0123456789abcdef";
    uid += kHex[byte >> 4];
    uid += kHex[byte & 15];
  }
  return uid;
}

std::uint64_t UnixMillis() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

}  // namespace

Result<Identity> TakeIdentity(const std::filesystem::path& directory) {
  Identity identity;
  identity.uid = ReadLine(directory / "uid");
  if (identity.uid.empty()) {
    Result<std::string> uid = NewUid();
    if (!uid.ok()) return uid.status();
    identity.uid = std::move(*uid);
    RETURN_IF_ERROR(WriteFileAtomically(directory / "uid", identity.uid + "\n"));
  }
  // By the clock, so that a directory put back from a backup does not fall behind; by count, so
  // that a clock put back does not either.
  std::uint64_t before = 0;
  std::istringstream(ReadLine(directory / "incarnation")) >> before;
  identity.incarnation = std::max(before + 1, UnixMillis());
  RETURN_IF_ERROR(
      WriteFileAtomically(directory / "incarnation", std::to_string(identity.incarnation) + "\n"));
  std::istringstream(ReadLine(directory / "cluster")) >> identity.generation >> identity.cluster_id;
  return identity;
}

Status SaveCluster(const std::filesystem::path& directory, const std::string& cluster_id,
                   std::uint64_t generation) {
  return WriteFileAtomically(directory / "cluster",
                             std::to_string(generation) + " " + cluster_id + "\n");
}

}  // namespace fusor::agent
