#include "coordinator/core/requests.h"

#include "common/base/limits.h"

namespace fusor::core {

void Remember(World& world, const PutRequest& row) {
  world.request_order.emplace(row.time, row.request_id);
  world.requests[row.request_id] = row;
}

void ForgetRequests(Turn& turn) {
  World& world = turn.world;
  while (!world.request_order.empty()) {
    const auto oldest = world.request_order.begin();
    const bool expired = oldest->first + limits::kRequestIdKept <= turn.now;
    if (!expired && world.requests.size() <= limits::kRequestsRememberedMax) return;
    world.requests.erase(oldest->second);
    world.request_order.erase(oldest);
  }
}

bool AnswerRepeat(Turn& turn, const Request& request) {
  ForgetRequests(turn);
  const auto known = turn.world.requests.find(request.request_id);
  if (request.request_id.empty() || known == turn.world.requests.end()) return false;
  Reply reply{.call = request.call};
  if (known->second.content_sha256 == request.content_sha256) {
    reply.sweep = known->second.sweep;
    reply.count = known->second.count;
  } else {
    reply.status = AlreadyExists("request id " + request.request_id +
                                 " was used for another request; take a new one");
  }
  turn.effects.sends.emplace_back(std::move(reply));
  return true;
}

void Finish(Turn& turn, const Request& request, const Answer& answer) {
  turn.effects.sends.emplace_back(Reply{request.call, answer.status, answer.sweep, answer.count});
  if (!answer.status.ok() || request.request_id.empty()) return;
  const PutRequest row{.request_id = request.request_id,
                       .content_sha256 = request.content_sha256,
                       .sweep = answer.sweep,
                       .count = answer.count,
                       .time = turn.now};
  Remember(turn.world, row);
  turn.Write(row);
}

void OnRefuse(Turn& turn, const RefuseRequest& refuse) {
  if (!AnswerRepeat(turn, refuse.request)) Finish(turn, refuse.request, {refuse.status});
}

}  // namespace fusor::core
