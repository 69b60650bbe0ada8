#pragma once

// One fact in a spool file: length, CRC-32 of the payload, payload (v1::Fact). The fact's number
// follows from its place: a file's name is the number of its first record.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/session.h"
#include "common/base/status.h"
#include "fusor/v1/worker_service.pb.h"

namespace fusor::agent {

inline constexpr std::size_t kRecordHeaderBytes = 8;

// Appends the fact's record to `out`. `scratch` only saves allocations from call to call.
void EncodeRecord(const FactBody& body, v1::Fact& scratch, std::string& out);

// The payload of the record at the front of `bytes`, when all of it is there and undamaged.
std::optional<std::string_view> FrontPayload(std::string_view bytes);

Result<FactBody> DecodePayload(std::string_view payload, v1::Fact& scratch);

}  // namespace fusor::agent
