#include "worker/spool/record.h"

#include <zlib.h>

#include <cstring>

#include "proto/session_convert.h"

namespace fusor::agent {

namespace {

std::uint32_t Checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

void StoreU32(std::uint32_t value, char* out) {
  for (int i = 0; i < 4; ++i) out[i] = static_cast<char>(value >> (8 * i));
}

std::uint32_t LoadU32(const char* in) {
  std::uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(in[i]);
  return value;
}

}  // namespace

void EncodeRecord(const FactBody& body, v1::Fact& scratch, std::string& out) {
  scratch.Clear();
  ToWire(body, scratch);
  const std::size_t at = out.size();
  out.resize(at + kRecordHeaderBytes);
  scratch.AppendToString(&out);
  const std::string_view payload = std::string_view(out).substr(at + kRecordHeaderBytes);
  StoreU32(static_cast<std::uint32_t>(payload.size()), out.data() + at);
  StoreU32(Checksum(payload), out.data() + at + 4);
}

std::optional<std::string_view> FrontPayload(std::string_view bytes) {
  if (bytes.size() < kRecordHeaderBytes) return std::nullopt;
  const std::uint32_t length = LoadU32(bytes.data());
  if (length == 0 || length > bytes.size() - kRecordHeaderBytes) return std::nullopt;
  const std::string_view payload = bytes.substr(kRecordHeaderBytes, length);
  if (Checksum(payload) != LoadU32(bytes.data() + 4)) return std::nullopt;
  return payload;
}

Result<FactBody> DecodePayload(std::string_view payload, v1::Fact& scratch) {
  scratch.Clear();
  if (!scratch.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
    return DataLoss("a spooled fact cannot be read");
  }
  return FromWire(scratch);
}

}  // namespace fusor::agent
