#include "coordinator/server/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>

namespace fusor {

namespace {

bool IsV6(const std::string& host) {
  in6_addr address{};
  return ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool IsV4(const std::string& host) {
  in_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1;
}

}  // namespace

std::string Address::ToString() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Address> ParseAddress(std::string_view text, std::uint16_t default_port) {
  const Status bad = InvalidArgument("'" + std::string(text) +
                                     "' is no address; write ADDR or ADDR:PORT, as 127.0.0.1:7070");
  Address address{"", default_port};
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return bad;
    address.host = text.substr(1, end - 1);
    if (end + 1 < text.size() && text[end + 1] != ':') return bad;
    port = text.substr(std::min(text.size(), end + 2));
  } else if (IsV6(std::string(text))) {
    address.host = text;
  } else {
    const std::size_t colon = text.find(':');
    address.host = text.substr(0, colon);
    if (colon != std::string_view::npos) {
      port = text.substr(colon + 1);
      if (port.empty()) return bad;
    }
  }
  if (address.host.empty() || address.host == "localhost") address.host = "127.0.0.1";
  if (!IsV4(address.host) && !IsV6(address.host)) return bad;
  if (!port.empty()) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (error != std::errc() || end != port.data() + port.size()) return bad;
  }
  return address;
}

bool IsLoopback(const Address& address) {
  return address.host.starts_with("127.") || address.host == "::1";
}

}  // namespace fusor
