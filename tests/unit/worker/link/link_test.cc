#include <gmock/gmock.h>

#include <fstream>

#include "common/base/sha256.h"
#include "tests/unit/worker/link/fake_coordinator.h"
#include "tests/unit/worker/process/loop_fixture.h"
#include "worker/link/session_link.h"
#include "worker/link/transfers.h"
#include "worker/system/files.h"

namespace fusor::agent {
namespace {

using testing::HasSubstr;

constexpr TaskKey kTask{AttemptId{7}, 0};

class SessionLinkTest : public LoopFixture {
 protected:
  void Open() {
    channel_ = std::make_unique<Channel>(server_.address(), dir_.path() / "token");
    link_ = std::make_unique<SessionLink>(
        *loop_, *channel_,
        SessionLink::Callbacks{.up = [this] { ++up_; },
                               .down =
                                   [this](const Status& why) {
                                     ++down_;
                                     why_ = why;
                                   },
                               .received =
                                   [this](std::vector<CoordinatorMessage> messages) {
                                     for (auto& message : messages) {
                                       received_.push_back(std::move(message));
                                     }
                                   }});
    link_->Open();
  }

  FakeCoordinator server_;
  int up_ = 0;
  int down_ = 0;
  Status why_;
  std::vector<CoordinatorMessage> received_;
  std::unique_ptr<Channel> channel_;
  std::unique_ptr<SessionLink> link_;
};

HeartbeatMessage Heartbeat(std::uint64_t sequence) { return {.sequence = sequence, .held = {}}; }

FactsMessage Facts(std::uint64_t number, std::size_t bytes = 1) {
  return {.attempt = kTask.attempt,
          .facts = {{.number = number, .body = LogFact{.text = std::string(bytes, 'x')}}}};
}

TEST_F(SessionLinkTest, MessagesPassBothWays) {
  std::ofstream(dir_.path() / "token") << "secret\n";
  const std::vector<CoordinatorMessage> words = {
      WelcomeMessage{.cluster_id = "c1", .generation = 3, .lease_length = Duration(5)},
      AckMessage{.attempt = kTask.attempt, .number = 9}};
  server_.SayAtStart(words);
  Open();
  link_->Send({HelloMessage{.cluster_id = "c1"}});
  ASSERT_TRUE(WaitFor([this] { return received_.size() == 2; }));
  EXPECT_EQ(received_, words);
  EXPECT_EQ(up_, 1);
  EXPECT_EQ(server_.last_authorization(), "Bearer secret");
  EXPECT_EQ(server_.Heard(), (std::vector<WorkerMessage>{HelloMessage{.cluster_id = "c1"}}));
}

TEST_F(SessionLinkTest, OrderIsKeptAndControlOvertakesFacts) {
  server_.StopReading();
  Open();
  std::vector<WorkerMessage> facts;
  for (std::uint64_t i = 1; i <= 64; ++i) facts.push_back(Facts(i, 100'000));
  link_->Send(std::move(facts));
  for (std::uint64_t i = 1; i <= 20; ++i) link_->Send({Heartbeat(i)});
  server_.ReadAgain();
  ASSERT_TRUE(WaitFor([this] { return server_.Heard().size() == 84; }));
  std::uint64_t last_fact = 0;
  std::uint64_t last_beat = 0;
  std::size_t last_beat_at = 0;
  const std::vector<WorkerMessage> heard = server_.Heard();
  for (std::size_t i = 0; i < heard.size(); ++i) {
    if (const auto* fact = std::get_if<FactsMessage>(&heard[i])) {
      EXPECT_EQ(fact->facts[0].number, ++last_fact);
    } else {
      EXPECT_EQ(std::get<HeartbeatMessage>(heard[i]).sequence, ++last_beat);
      last_beat_at = i;
    }
  }
  EXPECT_LT(last_beat_at, heard.size() - 1) << "heartbeats waited behind all facts";
}

TEST_F(SessionLinkTest, ANewStreamIsOpenedWhenOneEnds) {
  server_.EndStreamAfter(1);
  Open();
  link_->Send({Heartbeat(1)});
  ASSERT_TRUE(WaitFor([this] { return up_ == 2; }));
  EXPECT_EQ(down_, 1);
  EXPECT_EQ(why_.code(), Code::kUnavailable);
  EXPECT_THAT(why_.message(), HasSubstr("enough"));
}

TEST_F(SessionLinkTest, ACoordinatorThatComesBackIsFound) {
  Open();
  link_->Send({Heartbeat(1)});
  ASSERT_TRUE(WaitFor([this] { return !server_.Heard().empty(); }));
  server_.Stop();
  ASSERT_TRUE(WaitFor([this] { return down_ >= 3; }));
  server_.Start();
  ASSERT_TRUE(WaitFor([this] {
    link_->Send({Heartbeat(2)});
    return server_.Heard().size() >= 2;
  }));
}

TEST_F(SessionLinkTest, WhatMakesNoSenseEndsTheStream) {
  server_.SayGarbage();
  Open();
  link_->Send({Heartbeat(1)});
  ASSERT_TRUE(WaitFor([this] { return up_ == 2; }));
  EXPECT_TRUE(received_.empty());
}

TEST_F(SessionLinkTest, AClosedLinkStaysAwayForAWhile) {
  Open();
  link_->Send({Heartbeat(1)});
  ASSERT_TRUE(WaitFor([this] { return !server_.Heard().empty(); }));
  const Time begin = loop_->Now();
  link_->Close(Duration(400));
  ASSERT_TRUE(WaitFor([this] { return up_ == 2; }));
  EXPECT_GE(loop_->Now() - begin, Duration(400));
}

TEST_F(SessionLinkTest, FinishSendsWhatIsThere) {
  Open();
  std::vector<WorkerMessage> facts;
  for (std::uint64_t i = 1; i <= 50; ++i) facts.push_back(Facts(i, 100'000));
  link_->Send(std::move(facts));
  link_->Finish(Duration(20'000));
  ASSERT_TRUE(WaitFor([this] { return server_.Heard().size() == 50; }));
  link_.reset();
}

TEST_F(SessionLinkTest, ItEndsWhileNobodyAnswers) {
  server_.Stop();
  Open();
  link_.reset();
  Open();
  ASSERT_TRUE(WaitFor([this] { return down_ >= 1; }));
  link_.reset();
}

// With the last channel gRPC's threads are joined: it must be none of them that drops it.
TEST_F(SessionLinkTest, TheLastChannelIsNotDroppedByAThreadOfItsOwn) {
  server_.Stop();
  for (int i = 0; i < 300; ++i) {
    Open();
    link_.reset();
    channel_.reset();
  }
}

class TransfersTest : public LoopFixture {
 protected:
  TransfersTest() { Restart(20 << 20); }

  void Restart(std::uint64_t cache_bytes) {
    transfers_.reset();
    cache_ = std::make_unique<FileCache>(dir_.path() / "cache", cache_bytes);
    transfers_ = std::make_unique<Transfers>(
        *loop_, channel_, *cache_,
        TransferPlaces{.staged = [this](TaskKey, StagedId id) { return Staged(id); },
                       .input = [this](TaskKey) { return dir_.path() / "input"; }},
        [this](Event event) { events_.push_back(std::move(event)); });
  }

  std::filesystem::path Staged(StagedId id) const {
    return dir_.path() / "staged" / std::to_string(id.value);
  }
  void Stage(std::uint64_t id, const std::string& name, const std::string& content) {
    const std::filesystem::path path = Staged({id}) / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
  }
  Event Answer() {
    EXPECT_TRUE(WaitFor([this] { return !events_.empty(); }));
    if (events_.empty()) return Tick{};
    Event event = std::move(events_.front());
    events_.erase(events_.begin());
    return event;
  }
  Event Upload(std::uint64_t id) {
    transfers_->Perform(StartUpload{kTask, {id}});
    return Answer();
  }
  Event Fetch(const std::vector<StoredFile>& files) {
    FetchFiles fetch{.task = kTask};
    fetch.start.resume = CheckpointFact{.step = 1, .files = files};
    transfers_->Perform(fetch);
    return Answer();
  }
  static StoredFile FileOf(const std::string& content) {
    return {.name = "state", .sha256 = Sha256Hex(content), .bytes = content.size()};
  }
  std::string Fetched(const std::string& content) {
    return ReadWholeFile(dir_.path() / "input" / Sha256Hex(content)).value();
  }

  FakeCoordinator server_;
  Channel channel_{server_.address(), ""};
  std::vector<Event> events_;
  std::unique_ptr<FileCache> cache_;
  std::unique_ptr<Transfers> transfers_;
};

std::string Content(std::size_t bytes, char seed) {
  std::string content(bytes, seed);
  for (std::size_t i = 0; i < bytes; i += 97) content[i] = static_cast<char>(i / 97 * 7 + seed);
  return content;
}

TEST_F(TransfersTest, UploadsEveryFileOfASet) {
  const std::string large = Content(3'000'000, 'a');
  Stage(1, "checkpoint/state", large);
  Stage(1, "checkpoint/empty", "");
  const Event answer = Upload(1);
  const auto* done = std::get_if<UploadDone>(&answer);
  ASSERT_NE(done, nullptr);
  ASSERT_EQ(done->files.size(), 2u);
  EXPECT_EQ(done->files[0].name, "checkpoint/empty");
  EXPECT_EQ(done->files[1].name, "checkpoint/state");
  EXPECT_EQ(done->files[1].sha256, Sha256Hex(large));
  EXPECT_EQ(done->files[1].bytes, large.size());
  EXPECT_EQ(server_.Stored(Sha256Hex(large)), large);
  EXPECT_EQ(server_.Stored(Sha256Hex("")), "");
  // What is stored already is not sent again.
  const std::uint64_t sent = server_.bytes_received();
  Stage(2, "again", large);
  EXPECT_TRUE(std::holds_alternative<UploadDone>(Upload(2)));
  EXPECT_EQ(server_.bytes_received(), sent);
}

TEST_F(TransfersTest, AnUploadGoesOnWhereItBrokeOff) {
  const std::string large = Content(5'000'000, 'b');
  Stage(1, "state", large);
  server_.BreakAfter(2'000'000);
  const Event first = Upload(1);
  const auto* failed = std::get_if<UploadFailed>(&first);
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->status.code(), Code::kUnavailable);
  EXPECT_TRUE(std::holds_alternative<UploadDone>(Upload(1)));
  EXPECT_EQ(server_.Stored(Sha256Hex(large)), large);
  EXPECT_EQ(server_.bytes_received(), large.size());
}

// Equal files of two trials, or of a killed agent whose last bytes came late.
TEST_F(TransfersTest, AnUploadThatAnotherCallCarriedOnIsTriedAgain) {
  const std::string large = Content(5'000'000, 'f');
  Stage(1, "state", large);
  server_.BreakAfter(2'000'000);
  EXPECT_TRUE(std::holds_alternative<UploadFailed>(Upload(1)));
  server_.AnswerBeforeAnotherCall();
  const Event second = Upload(1);
  EXPECT_EQ(std::get<UploadFailed>(second).status.code(), Code::kUnavailable);
  EXPECT_TRUE(std::holds_alternative<UploadDone>(Upload(1)));
  EXPECT_EQ(server_.Stored(Sha256Hex(large)), large);
}

TEST_F(TransfersTest, FailuresAreToldApart) {
  const Event missing = Upload(9);
  EXPECT_EQ(std::get<UploadFailed>(missing).status.code(), Code::kNotFound);
  const Event unknown = Fetch({FileOf("never stored")});
  EXPECT_EQ(std::get<FetchFailed>(unknown).status.code(), Code::kNotFound);
  const Event nonsense = Fetch({{.name = "x", .sha256 = "../../x", .bytes = 1}});
  EXPECT_EQ(std::get<FetchFailed>(nonsense).status.code(), Code::kInvalidArgument);
  server_.Stop();
  const Event unreachable = Fetch({FileOf("never stored")});
  EXPECT_EQ(std::get<FetchFailed>(unreachable).status.code(), Code::kUnavailable);
}

TEST_F(TransfersTest, ACanceledUploadEnds) {
  Stage(1, "state", Content(8'000'000, 'c'));
  server_.StallUploads();
  transfers_->Perform(StartUpload{kTask, {1}});
  ASSERT_TRUE(WaitFor([this] { return server_.uploads() == 1; }));
  transfers_->Perform(CancelUpload{kTask, {1}});
  EXPECT_TRUE(std::holds_alternative<UploadFailed>(Answer()));
  // And so does one under way when everything ends.
  transfers_->Perform(StartUpload{kTask, {1}});
  ASSERT_TRUE(WaitFor([this] { return server_.uploads() == 2; }));
  transfers_.reset();
}

TEST_F(TransfersTest, DownloadsGoOnWhereTheyBrokeOff) {
  const std::string content = Content(300'000, 'd');
  server_.Store(Sha256Hex(content), content);
  server_.BreakAfter(100'000);
  EXPECT_TRUE(std::holds_alternative<FetchFailed>(Fetch({FileOf(content)})));
  EXPECT_TRUE(std::holds_alternative<FetchDone>(Fetch({FileOf(content), FileOf(content)})));
  EXPECT_EQ(Fetched(content), content);
  EXPECT_LT(server_.bytes_sent(), content.size() + 10'000);
}

TEST_F(TransfersTest, WrongContentIsNotTaken) {
  StoredFile file = FileOf("what was promised");
  server_.Store(file.sha256, "what comes is it !");
  file.bytes = 18;
  const Event answer = Fetch({file});
  ASSERT_TRUE(std::holds_alternative<FetchFailed>(answer));
  EXPECT_EQ(std::get<FetchFailed>(answer).status.code(), Code::kDataLoss);
}

TEST_F(TransfersTest, WhatThisWorkerUploadedIsNotDownloaded) {
  const std::string content = Content(50'000, 'e');
  Stage(1, "state", content);
  EXPECT_TRUE(std::holds_alternative<UploadDone>(Upload(1)));
  EXPECT_TRUE(std::holds_alternative<FetchDone>(Fetch({FileOf(content)})));
  EXPECT_EQ(Fetched(content), content);
  EXPECT_EQ(server_.downloads(), 0);
  // A damaged copy is noticed and replaced.
  std::filesystem::remove(dir_.path() / "input" / Sha256Hex(content));
  std::ofstream(Staged({1}) / "state", std::ios::binary)
      << "damaged";  // the very file: it is linked
  EXPECT_TRUE(std::holds_alternative<FetchDone>(Fetch({FileOf(content)})));
  EXPECT_EQ(Fetched(content), content);
  EXPECT_EQ(server_.downloads(), 1);
}

TEST_F(TransfersTest, TheCacheKeepsTheNewestThatFit) {
  FileCache cache(dir_.path() / "small", 250);
  const std::filesystem::path to = dir_.path() / "to";
  for (const char seed : {'a', 'b', 'c'}) {
    const std::string content = Content(100, seed);
    std::ofstream(dir_.path() / "from", std::ios::binary | std::ios::trunc) << content;
    cache.Keep(dir_.path() / "from", Sha256Hex(content));
    std::filesystem::remove(dir_.path() / "from");
  }
  EXPECT_FALSE(cache.Give(Sha256Hex(Content(100, 'a')), to));
  EXPECT_TRUE(cache.Give(Sha256Hex(Content(100, 'b')), to));
  EXPECT_TRUE(cache.Give(Sha256Hex(Content(100, 'c')), to));
  EXPECT_EQ(ReadWholeFile(to).value(), Content(100, 'c'));
}

}  // namespace
}  // namespace fusor::agent
