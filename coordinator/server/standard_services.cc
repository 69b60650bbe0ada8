#include "coordinator/server/standard_services.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <mutex>
#include <set>
#include <utility>

#include "common/base/limits.h"
#include "coordinator/server/grpc_edge.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"

namespace fusor {

namespace {

namespace health = grpc::health::v1;
namespace pb = google::protobuf;

class HealthService final : public health::Health::CallbackService {
 public:
  HealthService(const Guard& guard, const Health& health, const std::set<std::string>& names)
      : guard_(guard), health_(health), names_(names) {}

  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context,
                                  const health::HealthCheckRequest* request,
                                  health::HealthCheckResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    grpc::Status status = Authorize(guard_, *context);
    if (status.ok() && !Known(request->service())) {
      status = {grpc::StatusCode::NOT_FOUND, "no service " + request->service()};
    }
    response->set_status(Current());
    reactor->Finish(status);
    return reactor;
  }

  grpc::ServerWriteReactor<health::HealthCheckResponse>* Watch(
      grpc::CallbackServerContext* context, const health::HealthCheckRequest* request) override;

  void Changed();
  void Stop();

 private:
  class Watcher;

  bool Known(const std::string& service) const {
    return service.empty() || names_.contains(service);
  }
  health::HealthCheckResponse::ServingStatus Current() const {
    return health_.serving() ? health::HealthCheckResponse::SERVING
                             : health::HealthCheckResponse::NOT_SERVING;
  }

  const Guard& guard_;
  const Health& health_;
  const std::set<std::string>& names_;
  std::mutex mu_;
  // Guarded by mu_. Shared with gRPC, which calls a watcher until its OnDone.
  std::set<std::shared_ptr<Watcher>> watchers_;
};

class HealthService::Watcher final : public grpc::ServerWriteReactor<health::HealthCheckResponse>,
                                     public std::enable_shared_from_this<Watcher> {
 public:
  Watcher(HealthService& service, bool known) : service_(service), known_(known) {}

  // Writes the status when it differs from what was written last.
  void Tell() {
    const std::lock_guard lock(mu_);
    if (writing_ || finished_) return;
    const auto now = known_ ? service_.Current() : health::HealthCheckResponse::SERVICE_UNKNOWN;
    if (told_ && response_.status() == now) return;
    told_ = true;
    writing_ = true;
    response_.set_status(now);
    StartWrite(&response_);
  }

  void End(const grpc::Status& status) {
    const std::lock_guard lock(mu_);
    if (std::exchange(finished_, true)) return;
    status_ = status;
    if (!writing_) Finish(status_);
  }

  void OnWriteDone(bool ok) override {
    {
      const std::lock_guard lock(mu_);
      writing_ = false;
      if (finished_) Finish(status_);
    }
    if (ok) Tell();
  }

  void OnCancel() override { End(grpc::Status::CANCELLED); }

  void OnDone() override {
    const auto self = shared_from_this();
    const std::lock_guard lock(service_.mu_);
    service_.watchers_.erase(self);
  }

 private:
  HealthService& service_;
  const bool known_;
  health::HealthCheckResponse response_;
  std::mutex mu_;
  bool told_ = false;  // guarded by mu_, as below
  bool writing_ = false;
  bool finished_ = false;
  grpc::Status status_;
};

grpc::ServerWriteReactor<health::HealthCheckResponse>* HealthService::Watch(
    grpc::CallbackServerContext* context, const health::HealthCheckRequest* request) {
  const auto watcher = std::make_shared<Watcher>(*this, Known(request->service()));
  grpc::Status refusal = Authorize(guard_, *context);
  {
    const std::lock_guard lock(mu_);
    if (refusal.ok() && watchers_.size() >= limits::kWatchersMax) {
      refusal = {grpc::StatusCode::RESOURCE_EXHAUSTED, "too many watchers"};
    }
    watchers_.insert(watcher);
  }
  if (refusal.ok()) {
    watcher->Tell();
  } else {
    watcher->End(refusal);
  }
  return watcher.get();
}

void HealthService::Changed() {
  std::set<std::shared_ptr<Watcher>> all;
  {
    const std::lock_guard lock(mu_);
    all = watchers_;
  }
  for (const auto& watcher : all) watcher->Tell();
}

void HealthService::Stop() {
  std::set<std::shared_ptr<Watcher>> all;
  {
    const std::lock_guard lock(mu_);
    all = watchers_;
  }
  for (const auto& watcher : all) {
    watcher->End({grpc::StatusCode::UNAVAILABLE, "the coordinator is stopping"});
  }
}

// The file and everything it imports, imports first.
void AddFiles(const pb::FileDescriptor& file, std::set<std::string>& done,
              std::vector<std::string>& out) {
  if (!done.insert(file.name()).second) return;
  for (int i = 0; i < file.dependency_count(); ++i) AddFiles(*file.dependency(i), done, out);
  pb::FileDescriptorProto proto;
  file.CopyTo(&proto);
  out.push_back(proto.SerializeAsString());
}

// Both versions of the protocol have the same messages under two package names.
template <class Request, class Response>
void Reflect(const Request& request, const std::set<std::string>& names, Response& response) {
  response.Clear();
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  const pb::DescriptorPool& pool = *pb::DescriptorPool::generated_pool();
  const pb::FileDescriptor* file = nullptr;
  switch (request.message_request_case()) {
    case Request::kListServices:
      for (const std::string& name : names) {
        response.mutable_list_services_response()->add_service()->set_name(name);
      }
      return;
    case Request::kFileByFilename:
      file = pool.FindFileByName(request.file_by_filename());
      break;
    case Request::kFileContainingSymbol:
      file = pool.FindFileContainingSymbol(request.file_containing_symbol());
      break;
    case Request::kAllExtensionNumbersOfType:
      if (pool.FindMessageTypeByName(request.all_extension_numbers_of_type()) != nullptr) {
        response.mutable_all_extension_numbers_response()->set_base_type_name(
            request.all_extension_numbers_of_type());
        return;  // proto3 has no extensions
      }
      break;
    default:
      break;
  }
  if (file == nullptr) {
    response.mutable_error_response()->set_error_code(grpc::StatusCode::NOT_FOUND);
    response.mutable_error_response()->set_error_message("not found");
    return;
  }
  std::set<std::string> done;
  std::vector<std::string> files;
  AddFiles(*file, done, files);
  for (std::string& each : files) {
    response.mutable_file_descriptor_response()->add_file_descriptor_proto(std::move(each));
  }
}

template <class Request, class Response>
class ReflectionStream final : public grpc::ServerBidiReactor<Request, Response> {
 public:
  ReflectionStream(const grpc::Status& allowed, const std::set<std::string>& names)
      : names_(names) {
    if (allowed.ok()) {
      this->StartRead(&request_);
    } else {
      this->Finish(allowed);
    }
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      this->Finish(grpc::Status::OK);
      return;
    }
    Reflect(request_, names_, response_);
    this->StartWrite(&response_);
  }
  void OnWriteDone(bool ok) override {
    if (ok) {
      this->StartRead(&request_);
    } else {
      this->Finish(grpc::Status::CANCELLED);
    }
  }
  void OnDone() override { delete this; }

 private:
  const std::set<std::string>& names_;
  Request request_;
  Response response_;
};

template <class Service, class Request, class Response>
class ReflectionService final : public Service {
 public:
  ReflectionService(const Guard& guard, const std::set<std::string>& names)
      : guard_(guard), names_(names) {}

  grpc::ServerBidiReactor<Request, Response>* ServerReflectionInfo(
      grpc::CallbackServerContext* context) override {
    return new ReflectionStream<Request, Response>(Authorize(guard_, *context), names_);
  }

 private:
  const Guard& guard_;
  const std::set<std::string>& names_;
};

namespace v1r = grpc::reflection::v1;
namespace v1a = grpc::reflection::v1alpha;
using ReflectionV1 = ReflectionService<v1r::ServerReflection::CallbackService,
                                       v1r::ServerReflectionRequest, v1r::ServerReflectionResponse>;
using ReflectionV1Alpha =
    ReflectionService<v1a::ServerReflection::CallbackService, v1a::ServerReflectionRequest,
                      v1a::ServerReflectionResponse>;

}  // namespace

struct StandardServices::Parts {
  Parts(const Guard& guard, const Health& state, const std::vector<std::string>& given)
      : names(given.begin(), given.end()),
        health(guard, state, names),
        v1(guard, names),
        v1alpha(guard, names) {
    names.insert({"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                  "grpc.reflection.v1alpha.ServerReflection"});
  }

  std::set<std::string> names;
  HealthService health;
  ReflectionV1 v1;
  ReflectionV1Alpha v1alpha;
};

StandardServices::StandardServices(const Guard& guard, const Health& health,
                                   std::vector<std::string> names)
    : parts_(std::make_unique<Parts>(guard, health, std::move(names))) {}

StandardServices::~StandardServices() = default;

std::vector<grpc::Service*> StandardServices::All() {
  return {&parts_->health, &parts_->v1, &parts_->v1alpha};
}

void StandardServices::HealthChanged() { parts_->health.Changed(); }
void StandardServices::Stop() { parts_->health.Stop(); }

}  // namespace fusor
