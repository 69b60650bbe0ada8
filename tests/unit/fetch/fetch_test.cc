// Fetching as a whole, against a server on this machine.

#include "common/fetch/fetch.h"

#include <gmock/gmock.h>

#include <atomic>
#include <map>
#include <stop_token>
#include <thread>

#include "common/dataset/manifest.h"
#include "tests/unit/fetch/fetch_fixture.h"

namespace fusor {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(FetchTest, BringsADataSetUnderItsOwnFolderAndWritesDownWhatCame) {
  std::map<FetchPhase, std::uint64_t> seen;
  FetchOptions options = Options();
  options.progress = [&](const FetchProgress& progress) {
    EXPECT_GE(progress.done, seen[progress.phase]);
    EXPECT_LE(progress.done, progress.total);
    seen[progress.phase] = progress.done;
  };
  const Result<Fetched> fetched = FetchDataset(set_, options);
  ASSERT_TRUE(fetched.ok()) << fetched.status().message();
  EXPECT_FALSE(fetched->was_there);
  EXPECT_EQ(fetched->folder, data() / "roses-binary");
  EXPECT_EQ(fetched->files, 2U);
  EXPECT_EQ(fetched->bytes, 200'004U);
  ExpectWhole();
  EXPECT_EQ(seen[FetchPhase::kDownloading], set_.bytes);
  EXPECT_EQ(seen[FetchPhase::kChecking], set_.bytes);
  EXPECT_GT(seen[FetchPhase::kUnpacking], set_.bytes / 2);
  const auto manifest = ReadManifest(data(), "roses-binary");
  ASSERT_TRUE(manifest.ok() && manifest->has_value());
  EXPECT_EQ((*manifest)->archive, "sha256:" + set_.checksum.hex);
  EXPECT_EQ((*manifest)->address, set_.addresses.front());
  EXPECT_EQ((*manifest)->files,
            (std::vector<ManifestFile>{{"sub/test.bin", 4, Sha256Hex("test")},
                                       {"train.bin", 200'000, Sha256Hex(Noise(200'000))}}));
}

TEST_F(FetchTest, AlreadyThereIsNothingToDo) {
  ASSERT_TRUE(Fetch().ok());
  const Result<Fetched> again = Fetch();
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->was_there);
  EXPECT_THAT(server_.Requests(), SizeIs(1));
}

TEST_F(FetchTest, CutConnectionsAreTakenUpWhereTheyBroke) {
  Serve({.body = archive_, .cuts = {50'000, 0, 40'000}});
  ASSERT_TRUE(Fetch().ok());
  ExpectWhole();
  EXPECT_THAT(server_.Requests(),
              ElementsAre("/roses.tar.gz", "/roses.tar.gz bytes=50000-",
                          "/roses.tar.gz bytes=50000-", "/roses.tar.gz bytes=90000-"));
}

TEST_F(FetchTest, AServerThatIgnoresRangesIsTakenFromItsBeginning) {
  Serve({.body = archive_, .ranges = false, .cuts = {50'000}});
  ASSERT_TRUE(Fetch().ok());
  ExpectWhole();
}

TEST_F(FetchTest, AServerThatNeverSendsTheWholeIsGivenUp) {
  Serve({.body = archive_, .ranges = false, .cuts = std::vector<std::size_t>(100, 50'000)});
  EXPECT_THAT(Failure(Code::kUnavailable),
              AllOf(HasSubstr("50000 of " + std::to_string(set_.bytes) + " bytes are here"),
                    HasSubstr("goes on from there")));
  EXPECT_THAT(server_.Requests(), SizeIs(4));
  Serve({.body = archive_});
  ASSERT_TRUE(Fetch().ok());
  EXPECT_EQ(server_.Requests().back(), "/roses.tar.gz bytes=50000-");
  ExpectWhole();
}

TEST_F(FetchTest, AWrongChecksumLeavesNothingBehind) {
  std::string other = archive_;
  other[other.size() / 2] ^= 1;
  Serve({.body = other});
  EXPECT_THAT(Failure(Code::kDataLoss),
              AllOf(HasSubstr(set_.addresses.front()), HasSubstr("has sha256 " + Sha256Hex(other)),
                    HasSubstr("expected " + set_.checksum.hex)));
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(FetchTest, WhatWasBegunOfAnotherVersionIsFetchedAnew) {
  Write(part(), std::string(1'000, 'x'));
  ASSERT_TRUE(Fetch().ok());
  EXPECT_THAT(server_.Requests(), ElementsAre("/roses.tar.gz bytes=1000-", "/roses.tar.gz"));
  ExpectWhole();
}

TEST_F(FetchTest, AWrongSizeIsRefusedBeforeItIsDownloaded) {
  Serve({.body = archive_ + "more"});
  EXPECT_THAT(Failure(Code::kDataLoss), AllOf(HasSubstr(std::to_string(set_.bytes + 4) + " bytes"),
                                              HasSubstr("expected " + std::to_string(set_.bytes))));
  EXPECT_THAT(Files(), IsEmpty());
  Serve({.body = archive_.substr(0, 100)});
  EXPECT_THAT(Failure(Code::kDataLoss), HasSubstr("what is there has 100 bytes"));
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(FetchTest, AnAnswerThatEndsEarlyIsNoWholeFile) {
  Serve({.body = archive_.substr(0, 100), .announced = archive_.size()});
  EXPECT_THAT(Failure(Code::kUnavailable), HasSubstr("nothing beyond byte 100"));
}

TEST_F(FetchTest, PassingTroubleIsTriedAgainAndLastingTroubleIsTold) {
  Serve({.status = 503});
  EXPECT_THAT(Failure(Code::kUnavailable), HasSubstr("answers 503"));
  EXPECT_THAT(server_.Requests(), SizeIs(4));
  Serve({.status = 403});
  EXPECT_THAT(Failure(Code::kNotFound), AllOf(HasSubstr("answers 403"), HasSubstr("--from")));
  EXPECT_THAT(server_.Requests(), SizeIs(5));
}

TEST_F(FetchTest, NobodyListening) {
  {
    harness::HttpServer gone;
    set_.addresses = {gone.Address("/roses.tar.gz")};
  }
  EXPECT_THAT(Failure(Code::kUnavailable),
              AllOf(HasSubstr("roses from http://127.0.0.1"), HasSubstr("0 of ")));
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(FetchTest, TheNextAddressIsTriedWhenOneFails) {
  set_.addresses.insert(set_.addresses.begin(), server_.Address("/moved.tar.gz"));
  const Result<Fetched> fetched = Fetch();
  ASSERT_TRUE(fetched.ok()) << fetched.status().message();
  EXPECT_EQ(fetched->from, server_.Address("/roses.tar.gz"));
}

TEST_F(FetchTest, RedirectsAreFollowed) {
  server_.Serve("/old.tar.gz", {.status = 302, .location = server_.Address("/roses.tar.gz")});
  ASSERT_TRUE(FetchFrom(server_.Address("/old.tar.gz")).ok());
  ExpectWhole();
  server_.Serve("/away.tar.gz", {.status = 302, .location = "file:///etc/passwd"});
  set_.folder = "elsewhere";
  EXPECT_FALSE(FetchFrom(server_.Address("/away.tar.gz")).ok());
}

TEST_F(FetchTest, AMirrorIsAFileAFolderOrAPath) {
  server_.Serve("/mirror/roses.tar.gz", {.body = archive_});
  for (const std::string& from :
       {server_.Address("/mirror/"), server_.Address("/mirror/roses.tar.gz"),
        (folder_ / "disk").string(), (folder_ / "disk/roses.tar.gz").string()}) {
    Write(folder_ / "disk/roses.tar.gz", archive_);
    const Result<Fetched> fetched = FetchFrom(from);
    ASSERT_TRUE(fetched.ok()) << from << ": " << fetched.status().message();
    ExpectWhole();
    std::filesystem::remove_all(data());
  }
  EXPECT_EQ(Read(folder_ / "disk/roses.tar.gz"), archive_);
  Write(folder_ / "disk/roses.tar.gz", archive_ + "x");
  EXPECT_EQ(FetchFrom((folder_ / "disk").string()).status().code(), Code::kDataLoss);
  EXPECT_EQ(Read(folder_ / "disk/roses.tar.gz"), archive_ + "x");
}

TEST_F(FetchTest, ADamagedOneThatFusorFetchedIsFetchedAnew) {
  ASSERT_TRUE(Fetch().ok());
  Write(data() / "roses-binary/train.bin", "short");
  const Result<Fetched> again = Fetch();
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_FALSE(again->was_there);
  ExpectWhole();
}

TEST_F(FetchTest, AFolderOfSomebodysOwnIsNeverTouched) {
  Write(data() / "roses-binary/train.bin", "mine");
  EXPECT_THAT(Failure(Code::kFailedPrecondition),
              AllOf(HasSubstr("sub/test.bin is missing"), HasSubstr("move it away")));
  Write(data() / "roses-binary/sub/test.bin", "mine too");
  EXPECT_TRUE(Fetch()->was_there);
  EXPECT_EQ(Read(data() / "roses-binary/train.bin"), "mine");
  EXPECT_THAT(server_.Requests(), IsEmpty());
}

TEST_F(FetchTest, TwoAtOnceFetchOnce) {
  Serve({.body = archive_, .stops_at = 50'000});
  std::atomic<bool> waits{false};
  FetchOptions second = Options();
  second.progress = [&](const FetchProgress& progress) {
    // Only once the second is known to wait does the first go on.
    if (progress.phase == FetchPhase::kWaiting && !waits.exchange(true)) server_.GoOn();
  };
  std::atomic<bool> begun{false};
  FetchOptions first = Options();
  first.progress = [&](const FetchProgress&) {
    if (!begun.exchange(true)) begun.notify_one();
  };
  std::thread other([&] { EXPECT_FALSE(FetchDataset(set_, first)->was_there); });
  begun.wait(false);
  const Result<Fetched> fetched = FetchDataset(set_, second);
  other.join();
  ASSERT_TRUE(fetched.ok()) << fetched.status().message();
  EXPECT_TRUE(fetched->was_there);
  EXPECT_TRUE(waits);
  EXPECT_THAT(server_.Requests(), SizeIs(1));
  ExpectWhole();
}

TEST_F(FetchTest, InterruptedItGoesOnWhereItStopped) {
  Serve({.body = archive_, .stops_at = 50'000});
  std::stop_source stop;
  FetchOptions options = Options();
  options.stop = stop.get_token();
  options.progress = [&](const FetchProgress& progress) {
    if (progress.done >= 50'000) stop.request_stop();
  };
  const Result<Fetched> interrupted = FetchDataset(set_, options);
  ASSERT_FALSE(interrupted.ok());
  EXPECT_EQ(interrupted.status(), Unavailable("interrupted"));
  EXPECT_EQ(BytesBegun(set_, data()), 50'000U);
  EXPECT_FALSE(std::filesystem::exists(data() / "roses-binary"));
  server_.GoOn();
  ASSERT_TRUE(Fetch().ok());
  EXPECT_EQ(server_.Requests().back(), "/roses.tar.gz bytes=50000-");
  ExpectWhole();
}

TEST_F(FetchTest, InterruptedWhileItUnpacksItKeepsTheArchiveOnly) {
  std::stop_source stop;
  FetchOptions options = Options();
  options.stop = stop.get_token();
  options.progress = [&](const FetchProgress& progress) {
    if (progress.phase == FetchPhase::kUnpacking) stop.request_stop();
  };
  EXPECT_EQ(FetchDataset(set_, options).status(), Unavailable("interrupted"));
  EXPECT_THAT(Files(), ElementsAre(".fetch", part().lexically_relative(data())));
  ASSERT_TRUE(Fetch().ok());
  EXPECT_THAT(server_.Requests(), SizeIs(1));
  ExpectWhole();
}

TEST_F(FetchTest, WhatAKilledRunLeftIsClearedAway) {
  Write(data() / ".fetch/roses.unpacked/roses-1.0/train.bin", "half");
  Write(data() / ".fetch/roses.lock", "");
  ASSERT_TRUE(Fetch().ok());
  ExpectWhole();
}

TEST_F(FetchTest, AnArchiveWithoutAFileThatReadersNeedIsRefused) {
  SetArchive({{"roses-1.0/train.bin", "train"}});
  EXPECT_THAT(Failure(Code::kDataLoss), HasSubstr("the archive has no sub/test.bin"));
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(FetchTest, AnArchiveWithoutATopFolderIsUnpackedAsItIs) {
  SetArchive({{"train.bin", Noise(200'000)}, {"sub/test.bin", "test"}});
  ASSERT_TRUE(Fetch().ok());
  ExpectWhole();
}

TEST_F(FetchTest, AZip) {
  set_.packing = Packing::kZip;
  SetArchive({{"roses-1.0/train.bin", Noise(200'000)}, {"roses-1.0/sub/test.bin", "test"}});
  ASSERT_TRUE(Fetch().ok());
  ExpectWhole();
}

}  // namespace
}  // namespace fusor
