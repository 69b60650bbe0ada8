#pragma once

// "HOST:PORT" as the command line takes it.

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace fusor {

struct Address {
  std::string host;
  std::uint16_t port = 0;

  // "127.0.0.1:7070", "[::1]:7070".
  std::string ToString() const;
  friend bool operator==(const Address&, const Address&) = default;
};

// "HOST", "HOST:PORT", "[V6]:PORT", ":PORT"; "localhost" is 127.0.0.1. Only numeric addresses
// otherwise.
Result<Address> ParseAddress(std::string_view text, std::uint16_t default_port);

// 127.0.0.0/8 or ::1: reachable from this machine only.
bool IsLoopback(const Address& address);

}  // namespace fusor
