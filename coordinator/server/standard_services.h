#pragma once

// The standard health and reflection protocols. Served by the daemon itself rather than by gRPC's
// plug-ins, which know nothing of the token.

#include <grpcpp/impl/codegen/service_type.h>

#include <memory>
#include <string>
#include <vector>

#include "coordinator/server/guard.h"
#include "coordinator/server/stats.h"

namespace fusor {

class StandardServices {
 public:
  // `names`: the full names of all services that reflection lists.
  StandardServices(const Guard& guard, const Health& health, std::vector<std::string> names);
  ~StandardServices();

  // To be registered with the server.
  std::vector<grpc::Service*> All();
  // Tells those who watch the health; call it when the health may have changed. Any thread.
  void HealthChanged();
  // Ends the watches: the daemon stops.
  void Stop();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace fusor
