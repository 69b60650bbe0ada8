#include "coordinator/core/world.h"

namespace fusor::core {

void Turn::Happened(PutEvent event) {
  event.id = EventId{++world.last_event.value};
  event.time = now;
  effects.writes.emplace_back(std::move(event));
}

void Turn::Send(SessionId session, CoordinatorMessage message) {
  effects.sends.emplace_back(SendToWorker{session, std::move(message)});
}

void Turn::SendTo(const Worker& worker, CoordinatorMessage message) {
  if (worker.session) Send(worker.session, std::move(message));
}

}  // namespace fusor::core
