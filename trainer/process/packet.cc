#include "trainer/process/packet.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

namespace fusor {
namespace {

constexpr std::size_t kPacketBytesMax = 64 << 10;
constexpr std::size_t kDescriptorsMax = 8;

std::vector<Descriptor> TakeDescriptors(msghdr& message) {
  std::vector<Descriptor> found;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      found.emplace_back(fd);
    }
  }
  return found;
}

Packet ParsePacket(std::string_view text, std::vector<Descriptor> descriptors) {
  Packet packet;
  auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    packet.request = InvalidArgument("a request must be a JSON object");
    return packet;
  }
  if (json.contains("spawn")) packet.tag = json["spawn"].dump();
  if (json.value("contract", nlohmann::json()) != 1) {
    packet.request = InvalidArgument("this template keeps contract 1 only");
    return packet;
  }
  auto job = json.find("job");
  auto limit = json.find("data_limit_bytes");
  if (job == json.end() || !job->is_string()) {
    packet.request = InvalidArgument("'job' must be a path");
  } else if (limit != json.end() && !limit->is_number_unsigned()) {
    packet.request = InvalidArgument("'data_limit_bytes' must be a whole number");
  } else if (descriptors.size() != 4) {
    packet.request = InvalidArgument("a request needs 4 descriptors, this has " +
                                     std::to_string(descriptors.size()));
  } else {
    SpawnRequest request;
    request.tag = packet.tag;
    request.job_path = job->get<std::string>();
    if (limit != json.end()) request.data_limit_bytes = limit->get<std::uint64_t>();
    request.descriptors = {std::move(descriptors[0]), std::move(descriptors[1]),
                           std::move(descriptors[2]), std::move(descriptors[3])};
    packet.request = std::move(request);
  }
  return packet;
}

}  // namespace

Packet ReceivePacket(int socket) {
  std::string text(kPacketBytesMax, '\0');
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kDescriptorsMax)];
  for (;;) {
    iovec part{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (count < 0 && errno == EINTR) continue;
    Packet packet;
    if (count <= 0) {
      packet.closed = true;
      return packet;
    }
    auto descriptors = TakeDescriptors(message);
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
      packet.request = InvalidArgument("the request is longer than the template takes");
      return packet;
    }
    text.resize(static_cast<std::size_t>(count));
    return ParsePacket(text, std::move(descriptors));
  }
}

bool SendPacket(int socket, std::string_view text) {
  for (;;) {
    if (send(socket, text.data(), text.size(), MSG_NOSIGNAL) >= 0) return true;
    if (errno != EINTR) return false;
  }
}

}  // namespace fusor
