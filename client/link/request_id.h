#pragma once

// A fresh request id: 128 random bits in hex.

#include <string>

namespace fusor::client {

std::string NewRequestId();

}  // namespace fusor::client
