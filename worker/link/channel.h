#pragma once

// The connection to the coordinator, and what every call on it carries. gRPC's types stay behind
// it.

#include <filesystem>
#include <memory>
#include <string>

namespace grpc {
class Channel;
class ClientContext;
}  // namespace grpc

namespace fusor::agent {

class Channel {
 public:
  // `token_file` may be empty or not exist yet; it is read anew for every call.
  Channel(const std::string& address, std::filesystem::path token_file);
  ~Channel();

  const std::shared_ptr<grpc::Channel>& grpc() const { return channel_; }
  void Authorize(grpc::ClientContext& context) const;

 private:
  const std::filesystem::path token_file_;
  std::shared_ptr<grpc::Channel> channel_;  // shared: as gRPC wants it
};

}  // namespace fusor::agent
