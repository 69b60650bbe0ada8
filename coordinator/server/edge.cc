#include "coordinator/server/edge.h"

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <utility>

#include "common/base/limits.h"
#include "common/base/sha256.h"
#include "coordinator/server/grpc_edge.h"

namespace fusor {

namespace {

Status Stopping() { return Unavailable("the coordinator is stopping"); }
Status Busy() { return ResourceExhausted("too many calls at once; try again"); }

// Posts the event; the call's answer comes from the core or, failing that, from here.
void PostEvent(const Edge& edge, CallId call, Event event) {
  if (edge.loop->Post(std::move(event), Admission::kIfRoom)) return;
  edge.calls->Finish({call, Busy(), {}, 0});
}

}  // namespace

Status CheckServing(const Edge& edge) {
  if (edge.health->serving()) return Ok();
  return Unavailable("the coordinator cannot take this now: " + edge.health->Reason());
}

Status AskCore(const Edge& edge, std::function<void(const Core&, Time)> question,
               std::chrono::milliseconds patience) {
  // Shared with the loop, which may come to it after this call gave up.
  struct Answer {
    std::function<void(const Core&, Time)> question;
    std::promise<bool> done;
    std::atomic<bool> abandoned{false};
    std::mutex mu;
  };
  const auto answer = std::make_shared<Answer>();
  answer->question = std::move(question);
  std::future<bool> done = answer->done.get_future();
  Query query{[answer](const Core* core, Time now) {
    const std::lock_guard lock(answer->mu);
    if (answer->abandoned) return;
    if (core != nullptr) answer->question(*core, now);
    answer->done.set_value(core != nullptr);
  }};
  if (!edge.loop->Post(std::move(query), Admission::kIfRoom)) return Busy();
  if (done.wait_for(patience) != std::future_status::ready) {
    const std::lock_guard lock(answer->mu);
    answer->abandoned = true;
    if (done.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
      return Unavailable("the coordinator is too busy to answer");
    }
  }
  if (done.get()) return Ok();
  RETURN_IF_ERROR(CheckServing(edge));
  return Stopping();
}

grpc::ServerUnaryReactor* Read(const Edge& edge, grpc::CallbackServerContext* context,
                               std::function<Status(Readers&)> work) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const grpc::Status allowed = Authorize(*edge.guard, *context);
  if (!allowed.ok()) {
    reactor->Finish(allowed);
    return reactor;
  }
  const bool posted = edge.threads->Post(
      [reactor, context, readers = edge.readers, work = std::move(work)](ReadThreads::Fate fate) {
        if (context->IsCancelled()) {
          reactor->Finish(grpc::Status::CANCELLED);
        } else {
          reactor->Finish(ToGrpc(fate == ReadThreads::Fate::kRun ? work(*readers) : Stopping()));
        }
      });
  if (!posted) reactor->Finish(ToGrpc(Busy()));
  return reactor;
}

grpc::ServerUnaryReactor* Mutate(const Edge& edge, grpc::CallbackServerContext* context,
                                 Mutation mutation) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  grpc::Status refusal = Authorize(*edge.guard, *context);
  if (refusal.ok()) refusal = ToGrpc(CheckServing(edge));
  if (refusal.ok() && mutation.request_id.size() > limits::kRequestIdBytesMax) {
    refusal = ToGrpc(InvalidArgument("request_id: at most " +
                                     std::to_string(limits::kRequestIdBytesMax) + " bytes"));
  }
  if (!refusal.ok()) {
    reactor->Finish(refusal);
    return reactor;
  }
  const auto task = [edge, reactor, mutation = std::move(mutation)](ReadThreads::Fate fate) {
    if (fate == ReadThreads::Fate::kStopping) {
      reactor->Finish(ToGrpc(Stopping()));
      return;
    }
    const CallId call = edge.calls->NewId();
    const Request request{call, mutation.request_id, Sha256Hex(mutation.content)};
    Result<std::optional<Event>> event = mutation.prepare(*edge.readers, request);
    if (event.ok() && !event->has_value()) {
      reactor->Finish(grpc::Status::OK);
      return;
    }
    edge.calls->Add(call, [reactor, done = mutation.done](const Reply& reply) {
      reactor->Finish(ToGrpc(done(reply)));
    });
    // What was refused may be the repeat of a request that was granted: the core knows.
    PostEvent(edge, call,
              event.ok() ? std::move(**event) : Event(RefuseRequest{request, event.status()}));
  };
  if (!edge.threads->Post(task)) reactor->Finish(ToGrpc(Busy()));
  return reactor;
}

}  // namespace fusor
