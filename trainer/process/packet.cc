#include "trainer/process/packet.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "common/recipe/value.h"
#include "common/text/json.h"

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

// The request's tag as JSON, to be echoed: a number or text.
std::string TagText(const Json& tag) {
  return tag.kind == Json::Kind::kInt ? std::to_string(tag.integer) : JsonQuote(tag.text);
}

Packet ParsePacket(std::string_view text, std::vector<Descriptor> descriptors) {
  Packet packet;
  auto json = ParseJson(text);
  if (!json.ok()) {
    packet.request = InvalidArgument("a request must be a JSON object");
    return packet;
  }
  const Json* contract = json->Find("contract");
  const Json* tag = json->Find("spawn");
  const Json* job = json->Find("job");
  const Json* limit = json->Find("data_limit_bytes");
  if (tag != nullptr) packet.tag = TagText(*tag);
  if (contract == nullptr || contract->kind != Json::Kind::kInt || contract->integer != 1) {
    packet.request = InvalidArgument("this template keeps contract 1 only");
  } else if (job == nullptr || job->kind != Json::Kind::kText) {
    packet.request = InvalidArgument("'job' must be a path");
  } else if (limit != nullptr && (limit->kind != Json::Kind::kInt || limit->integer < 0)) {
    packet.request = InvalidArgument("'data_limit_bytes' must be a whole number");
  } else if (descriptors.size() != 4) {
    packet.request = InvalidArgument("a request needs 4 descriptors, this has " +
                                     std::to_string(descriptors.size()));
  } else {
    SpawnRequest request;
    request.tag = packet.tag;
    request.job_path = job->text;
    if (limit != nullptr) request.data_limit_bytes = static_cast<std::uint64_t>(limit->integer);
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
