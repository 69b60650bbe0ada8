// Files over the wire: uploads that stop and go on, downloads, what is refused.

#include "common/base/sha256.h"
#include "tests/unit/server/daemon_fixture.h"

namespace fusor {
namespace {

class ArtifactsTest : public DaemonTest {
 protected:
  ArtifactsTest() { StartDaemon(); }

  struct Part {
    std::string sha256;
    std::uint64_t bytes = 0;
    std::uint64_t offset = 0;
    std::vector<std::string> chunks;
  };
  grpc::Status Upload(const Part& part, std::uint64_t* stored = nullptr) {
    Call call(token_);
    v1::UploadResponse response;
    auto stream = artifacts_->Upload(&call, &response);
    v1::UploadRequest request;
    request.set_sha256(part.sha256);
    request.set_bytes(part.bytes);
    request.set_offset(part.offset);
    for (const std::string& chunk : part.chunks) {
      request.set_chunk(chunk);
      if (!stream->Write(request)) break;
      request.Clear();
      request.set_offset(part.offset + chunk.size());
    }
    stream->WritesDone();
    grpc::Status status = stream->Finish();
    if (stored != nullptr) *stored = response.stored();
    return status;
  }
  // Cuts the content into chunks of this size.
  grpc::Status UploadAll(const std::string& content, std::size_t chunk) {
    Call call(token_);
    v1::UploadResponse response;
    auto stream = artifacts_->Upload(&call, &response);
    for (std::size_t offset = 0; offset < content.size(); offset += chunk) {
      v1::UploadRequest request;
      if (offset == 0) {
        request.set_sha256(Sha256Hex(content));
        request.set_bytes(content.size());
      }
      request.set_offset(offset);
      request.set_chunk(content.substr(offset, chunk));
      if (!stream->Write(request)) break;
    }
    stream->WritesDone();
    return stream->Finish();
  }
  v1::GetUploadResponse Find(const std::string& content) {
    v1::GetUploadRequest request;
    v1::GetUploadResponse response;
    request.set_sha256(Sha256Hex(content));
    request.set_bytes(content.size());
    Call call(token_);
    EXPECT_TRUE(artifacts_->GetUpload(&call, request, &response).ok());
    return response;
  }
  struct Downloaded {
    grpc::Status status;
    std::string content;
    std::uint64_t bytes = 0;
    std::size_t largest_chunk = 0;
  };
  Downloaded Download(const v1::DownloadRequest& request) {
    Call call(token_);
    auto stream = artifacts_->Download(&call, request);
    Downloaded got;
    v1::DownloadResponse response;
    while (stream->Read(&response)) {
      if (got.content.empty() && response.bytes() > 0) got.bytes = response.bytes();
      EXPECT_EQ(response.offset(), request.offset() + got.content.size());
      got.content += response.chunk();
      got.largest_chunk = std::max(got.largest_chunk, response.chunk().size());
    }
    got.status = stream->Finish();
    return got;
  }
  std::vector<v1::Artifact> List(v1::ListArtifactsRequest request, std::uint32_t page_size = 0) {
    std::vector<v1::Artifact> artifacts;
    request.set_page_size(page_size);
    for (;;) {
      Call call(token_);
      v1::ListArtifactsResponse page;
      EXPECT_TRUE(artifacts_->List(&call, request, &page).ok());
      artifacts.insert(artifacts.end(), page.artifacts().begin(), page.artifacts().end());
      if (page.next_page_token().empty()) return artifacts;
      request.set_page_token(page.next_page_token());
    }
  }
};

// Bytes that differ everywhere, so that a chunk in the wrong place is seen.
std::string Content(std::size_t bytes) {
  std::string content;
  content.reserve(bytes);
  std::uint32_t state = 1;
  while (content.size() < bytes) {
    state = state * 1'664'525U + 1'013'904'223U;
    content += static_cast<char>(state >> 24);
  }
  return content;
}

TEST_F(ArtifactsTest, WhatIsUploadedInChunksIsDownloadedInChunks) {
  const std::string content = Content((3 << 20) + 17);
  EXPECT_EQ(Find(content).offset(), 0U);
  ASSERT_TRUE(UploadAll(content, 1 << 20).ok());
  EXPECT_TRUE(Find(content).complete());
  v1::DownloadRequest request;
  request.set_sha256(Sha256Hex(content));
  const Downloaded whole = Download(request);
  ASSERT_TRUE(whole.status.ok()) << whole.status.error_message();
  EXPECT_EQ(whole.bytes, content.size());
  EXPECT_TRUE(whole.content == content);
  EXPECT_LE(whole.largest_chunk, limits::kArtifactChunkBytes);
  request.set_offset((2 << 20) + 5);
  EXPECT_TRUE(Download(request).content == content.substr((2 << 20) + 5));
  request.set_offset(content.size());
  EXPECT_TRUE(Download(request).status.ok());
  request.set_offset(content.size() + 1);
  EXPECT_EQ(Download(request).status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  // Once more: it is there already, nothing needs to be sent.
  std::uint64_t stored = 0;
  EXPECT_TRUE(Upload({Sha256Hex(content), content.size(), 0, {"x"}}, &stored).ok());
  EXPECT_EQ(stored, content.size());
}

TEST_F(ArtifactsTest, AnUploadGoesOnWhereItStoppedOverARestart) {
  const std::string content = Content(1'000'000);
  const std::string sha256 = Sha256Hex(content);
  const grpc::Status early = Upload({sha256, content.size(), 0, {content.substr(0, 400'000)}});
  EXPECT_EQ(early.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_NE(early.error_message().find("400000"), std::string::npos) << early.error_message();
  EXPECT_FALSE(Find(content).complete());
  StopDaemon();
  StartDaemon();
  EXPECT_EQ(Find(content).offset(), 400'000U);
  // Anywhere else than at the next byte is refused and harms nothing.
  EXPECT_EQ(Upload({sha256, content.size(), 0, {content}}).error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(Upload({sha256, content.size(), 500'000, {content.substr(500'000)}}).error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(Find(content).offset(), 400'000U);
  ASSERT_TRUE(Upload({sha256, content.size(), 400'000, {content.substr(400'000)}}).ok());
  EXPECT_TRUE(Find(content).complete());
}

TEST_F(ArtifactsTest, WrongContentIsDataLossAndStartsOver) {
  const std::string content = Content(100'000);
  std::string wrong = content;
  wrong[70'000] ^= 1;
  EXPECT_EQ(Upload({Sha256Hex(content), content.size(), 0, {wrong}}).error_code(),
            grpc::StatusCode::DATA_LOSS);
  v1::DownloadRequest request;
  request.set_sha256(Sha256Hex(content));
  EXPECT_EQ(Download(request).status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Find(content).offset(), 0U);
  ASSERT_TRUE(UploadAll(content, 30'000).ok());
  EXPECT_TRUE(Download(request).content == content);
}

TEST_F(ArtifactsTest, UploadsHaveLimits) {
  const std::string content = Content(100);
  const std::string sha256 = Sha256Hex(content);
  EXPECT_EQ(Upload({"../../etc/passwd", 4, 0, {"evil"}}).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Upload({sha256, 100, 0, {content + "more"}}).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Upload({sha256, limits::kArtifactBytesMax + 1, 0, {content}}).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Upload({sha256, 100, 0, {}}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  const std::string chunk(limits::kArtifactChunkBytes + 1, 'x');
  EXPECT_EQ(Upload({Sha256Hex(chunk), chunk.size(), 0, {chunk}}).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  const std::string message(limits::kMessageBytesMax + 1, 'x');
  EXPECT_EQ(Upload({Sha256Hex(message), message.size(), 0, {message}}).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  v1::DownloadRequest request;
  request.set_artifact(7);
  EXPECT_EQ(Download(request).status.error_code(), grpc::StatusCode::NOT_FOUND);
  request.clear_artifact();
  request.set_sha256("../state.db");
  EXPECT_EQ(Download(request).status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ArtifactsTest, OneUploadOfAContentAtATime) {
  const std::string content = Content(1'000);
  Call call(token_);
  v1::UploadResponse response;
  auto first = artifacts_->Upload(&call, &response);
  v1::UploadRequest request;
  request.set_sha256(Sha256Hex(content));
  request.set_bytes(content.size());
  request.set_chunk(content.substr(0, 10));
  ASSERT_TRUE(first->Write(request));
  ASSERT_TRUE(Becomes([&] { return Find(content).offset() == 10; }));
  EXPECT_EQ(Upload({Sha256Hex(content), content.size(), 10, {content.substr(10)}}).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  call.TryCancel();
  (void)first->Finish();
  // The first one's hold ends with its stream.
  EXPECT_TRUE(Becomes([&] {
    return Upload({Sha256Hex(content), content.size(), 10, {content.substr(10)}}).ok();
  }));
}

TEST_F(ArtifactsTest, ReportedFilesAreListedByTrialKindAndPage) {
  (void)Submit(kSixTrials);
  const auto worker = Worker();
  worker->Hello({.slots = 2});
  std::string best;
  for (int i = 0; i < 2; ++i) {
    const v1::Start start = worker->AwaitStart();
    const std::string content = Content(100 + static_cast<std::size_t>(i));
    ASSERT_TRUE(UploadAll(content, 1'000).ok());
    v1::SessionRequest report = InstantTrial(start.attempt(), i);
    v1::Facts& facts = *report.mutable_items(0)->mutable_facts();
    const v1::Fact final_fact = facts.facts(2);
    for (const char* kind : {"model", "csv"}) {
      v1::ProducedArtifact& file = *facts.add_facts()->mutable_artifact();
      file.set_kind(kind);
      file.set_step(10);
      file.mutable_file()->set_name(std::string("best/") + kind);
      file.mutable_file()->set_sha256(Sha256Hex(content));
      file.mutable_file()->set_bytes(content.size());
    }
    facts.mutable_facts()->DeleteSubrange(2, 1);
    *facts.add_facts() = final_fact;
    worker->Send(report);
    worker->AwaitAck(start.attempt(), 5);
    best = start.trial();
  }
  v1::ListArtifactsRequest request;
  EXPECT_EQ(List(request).size(), 4U);
  EXPECT_EQ(List(request, 1).size(), 4U);
  EXPECT_EQ(List(request, 3).size(), 4U);
  request.add_kinds("model");
  ASSERT_EQ(List(request).size(), 2U);
  EXPECT_EQ(List(request)[0].kind(), "model");
  request.set_best_only(true);
  ASSERT_EQ(List(request).size(), 1U);
  EXPECT_EQ(List(request)[0].bytes(), 101U);
  request.set_best_only(false);
  request.set_trial(best);
  ASSERT_EQ(List(request).size(), 1U);
  v1::DownloadRequest download;
  download.set_artifact(List(request)[0].id());
  EXPECT_TRUE(Download(download).content == Content(101));
  v1::ListArtifactsRequest one;
  one.set_artifact(download.artifact());
  ASSERT_EQ(List(one).size(), 1U);
  Call call(token_);
  v1::ListArtifactsResponse page;
  one.Clear();
  one.set_page_token("x");
  EXPECT_EQ(artifacts_->List(&call, one, &page).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace fusor
