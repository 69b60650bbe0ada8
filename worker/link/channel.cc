#include "worker/link/channel.h"

#include <grpc/grpc.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include "common/base/limits.h"
#include "worker/system/files.h"

namespace fusor::agent {

namespace {

constexpr int kReconnectFirstMs = 100;
constexpr int kReconnectMaxMs = 2'000;

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  // Held for good: the library, when its last user lets go, waits up to ten seconds for its own
  // threads, and a worker that was told to leave should leave.
  static const bool held = (grpc_init(), true);
  static_cast<void>(held);
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(static_cast<int>(limits::kMessageBytesMax));
  arguments.SetMaxSendMessageSize(static_cast<int>(limits::kMessageBytesMax));
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectFirstMs);
  // Despite its name: how long one attempt to connect may take. A busy machine needs its time.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 10'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMaxMs);
  // Each agent has a connection of its own, also where several run in one process.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

Channel::Channel(const std::string& address, std::filesystem::path token_file)
    : token_file_(std::move(token_file)), channel_(Connect(address)) {}

Channel::~Channel() = default;

void Channel::Authorize(grpc::ClientContext& context) const {
  const std::string token = token_file_.empty() ? "" : ReadLine(token_file_);
  if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
}

}  // namespace fusor::agent
