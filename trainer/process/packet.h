#pragma once

// The template's socket: one JSON packet each way, descriptors attached (docs/trainer_contract.md).

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "trainer/io/descriptor.h"

namespace fusor {

// The four descriptors of a request, in the contract's order.
struct TrialDescriptors {
  Descriptor facts;
  Descriptor commands;
  Descriptor out;
  Descriptor err;
};

struct SpawnRequest {
  std::string tag;  // any JSON value, echoed as it came
  std::string job_path;
  std::uint64_t data_limit_bytes = 0;
  TrialDescriptors descriptors;
};

// What one receive brought: a request, the reason why there is none, or the end of the socket.
struct Packet {
  bool closed = false;
  std::string tag = "null";
  Result<SpawnRequest> request = InvalidArgument("no request");
};

// Blocks until something is there.
Packet ReceivePacket(int socket);

// One packet; false when the other side is gone.
bool SendPacket(int socket, std::string_view text);

}  // namespace fusor
