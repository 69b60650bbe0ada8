#pragma once

// What every service works with, and the two shapes of a unary call: a read runs on a reader
// thread; a mutation is prepared there, goes to the core as an event and ends with the core's
// reply. Callbacks of gRPC never block.

#include <google/protobuf/message.h>
#include <grpcpp/server_context.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "common/base/status.h"
#include "coordinator/core/event.h"
#include "coordinator/server/calls.h"
#include "coordinator/server/guard.h"
#include "coordinator/server/live_table.h"
#include "coordinator/server/loop.h"
#include "coordinator/server/read_threads.h"
#include "coordinator/server/readers.h"
#include "coordinator/server/spec_cache.h"
#include "coordinator/server/stats.h"
#include "coordinator/store/artifact_store.h"

namespace fusor {

struct Edge {
  const Guard* guard = nullptr;
  const Clock* clock = nullptr;
  Loop* loop = nullptr;
  Calls* calls = nullptr;
  ReadThreads* threads = nullptr;
  Readers* readers = nullptr;
  SpecCache* specs = nullptr;
  LiveTable* live = nullptr;
  ArtifactStore* artifacts = nullptr;
  Stats* stats = nullptr;
  Health* health = nullptr;
};

// An answer that has grown to this ends its page: clients with gRPC's default limit read 4 MiB.
inline constexpr std::size_t kPageBytes = 2 << 20;

// UNAVAILABLE with the reason when the daemon cannot write or stops.
Status CheckServing(const Edge& edge);

// Asks the core on the loop thread and waits for it: never from a callback of gRPC or the loop
// itself.
Status AskCore(const Edge& edge, std::function<void(const Core&, Time)> question,
               std::chrono::milliseconds patience = std::chrono::seconds(10));

// `work` fills the response; it lives until the call is finished.
grpc::ServerUnaryReactor* Read(const Edge& edge, grpc::CallbackServerContext* context,
                               std::function<Status(Readers&)> work);

struct Mutation {
  std::string request_id;
  std::string content;  // what the request_id stands for
  // Makes the event, or nothing when the answer is already in the response.
  std::function<Result<std::optional<Event>>(Readers&, Request)> prepare;
  // Fills the response from the core's reply, or gives the reason why not: mostly reply.status.
  std::function<Status(const Reply&)> done;
};
grpc::ServerUnaryReactor* Mutate(const Edge& edge, grpc::CallbackServerContext* context,
                                 Mutation mutation);

// The content of a request: its method and every field but request_id.
template <class Message>
std::string ContentOf(const char* method, const Message& request) {
  Message copy = request;
  copy.clear_request_id();
  return std::string(method) + '\0' + copy.SerializeAsString();
}

}  // namespace fusor
