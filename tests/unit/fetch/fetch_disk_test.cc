// Disks that are full, or not to be written.

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>

#include "tests/unit/fetch/fetch_fixture.h"

namespace fusor {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// While it lives no file of this process may grow beyond `bytes`: writes fail as they do on a full
// disk, on every machine, with any rights.
class SmallFiles {
 public:
  explicit SmallFiles(rlim_t bytes) : handler_(signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit small{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallFiles() {
    setrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, handler_);
  }
  SmallFiles(const SmallFiles&) = delete;
  SmallFiles& operator=(const SmallFiles&) = delete;

 private:
  sighandler_t handler_;
  rlimit before_{};
};

TEST_F(FetchTest, AFullDiskWhileItDownloadsKeepsWhatCame) {
  {
    const SmallFiles full(60'000);
    EXPECT_THAT(Failure(Code::kResourceExhausted),
                AllOf(HasSubstr(part().string()), HasSubstr("make room")));
  }
  EXPECT_EQ(BytesBegun(set_, data()), 60'000U);
  ASSERT_TRUE(Fetch().ok());
  EXPECT_EQ(server_.Requests().back(), "/roses.tar.gz bytes=60000-");
  ExpectWhole();
}

TEST_F(FetchTest, AFullDiskWhileItUnpacksKeepsTheArchiveOnly) {
  SetArchive({{"train.bin", std::string(200'000, 'a')}, {"sub/test.bin", "test"}});
  {
    const SmallFiles full(60'000);
    EXPECT_THAT(Failure(Code::kResourceExhausted),
                AllOf(HasSubstr("train.bin"), HasSubstr("make room")));
  }
  EXPECT_THAT(Files(), ElementsAre(".fetch", part().lexically_relative(data())));
  ASSERT_TRUE(Fetch().ok());
  EXPECT_EQ(server_.Requests().size(), 1U);
}

TEST_F(FetchTest, TooLittleRoomIsToldBeforeAnythingIsDownloaded) {
  set_.files = {{"train.bin", std::uint64_t{1} << 60}};
  EXPECT_THAT(
      Failure(Code::kResourceExhausted),
      AllOf(HasSubstr("roses needs 11529"), HasSubstr("are free"), HasSubstr("--datasets")));
  EXPECT_THAT(server_.Requests(), IsEmpty());
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(FetchTest, AFolderThatCannotBeMade) {
  Write(data(), "a file is in its place");
  EXPECT_THAT(Fetch().status().message(), HasSubstr("make " + data().string()));
}

}  // namespace
}  // namespace fusor
