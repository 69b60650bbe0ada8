#include "tests/integration/any_call.h"

#include <google/protobuf/descriptor.h>
#include <grpcpp/generic/generic_stub.h>

#include <chrono>

#include "grpc/health/v1/health.pb.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"
#include "proto/fusor/v1/artifact_service.pb.h"
#include "proto/fusor/v1/cluster_service.pb.h"
#include "proto/fusor/v1/sweep_service.pb.h"
#include "proto/fusor/v1/trial_service.pb.h"
#include "proto/fusor/v1/worker_service.pb.h"

namespace fusor::integration {

std::vector<std::string> EveryMethod() {
  const google::protobuf::FileDescriptor* files[] = {
      v1::SubmitRequest::descriptor()->file(),
      v1::GetTrialRequest::descriptor()->file(),
      v1::GetInfoRequest::descriptor()->file(),
      v1::UploadRequest::descriptor()->file(),
      v1::SessionRequest::descriptor()->file(),
      grpc::health::v1::HealthCheckRequest::descriptor()->file(),
      grpc::reflection::v1::ServerReflectionRequest::descriptor()->file(),
      grpc::reflection::v1alpha::ServerReflectionRequest::descriptor()->file()};
  std::vector<std::string> methods;
  for (const google::protobuf::FileDescriptor* file : files) {
    for (int i = 0; i < file->service_count(); ++i) {
      const google::protobuf::ServiceDescriptor& service = *file->service(i);
      for (int j = 0; j < service.method_count(); ++j) {
        methods.push_back("/" + service.full_name() + "/" + service.method(j)->name());
      }
    }
  }
  return methods;
}

grpc::Status CallAnything(const std::string& address, const std::string& method,
                          const std::string& token, const std::string& bytes, std::string* answer) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxSendMessageSize(-1);
  grpc::GenericStub stub(
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
  grpc::CompletionQueue queue;
  const auto next = [&] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  const auto call = stub.PrepareCall(&context, method, &queue);
  call->StartCall(nullptr);
  next();
  const grpc::Slice slice(bytes);
  call->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
  next();
  for (;;) {
    grpc::ByteBuffer message;
    call->Read(&message, nullptr);
    if (!next()) break;
    grpc::Slice whole;
    if (answer != nullptr && message.DumpToSingleSlice(&whole).ok()) {
      answer->assign(reinterpret_cast<const char*>(whole.begin()), whole.size());
    }
  }
  grpc::Status status;
  call->Finish(&status, nullptr);
  next();
  return status;
}

}  // namespace fusor::integration
