// Trials that say too much, or nothing that can be understood.

#include <gmock/gmock.h>

#include "common/base/limits.h"
#include "tests/unit/worker/process/table_fixture.h"

namespace fusor::agent {
namespace {

using testing::HasSubstr;

constexpr std::size_t kFloodBytes = 100'000'000;

// A sanitizer keeps what is freed, and shadows the rest.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// Of this process.
std::uint64_t PeakBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) << 10;
  }
  return 0;
}

// Counts log text and forgets it.
class ProcessFloodTest : public ProcessTableTest {
 protected:
  void Keep(Event event) override {
    if (const auto* reported = std::get_if<Reported>(&event)) {
      if (const auto* log = std::get_if<LogFact>(&reported->body)) {
        log_bytes_ += log->text.size();
        longest_log_ = std::max(longest_log_, log->text.size());
        lines_ += static_cast<std::size_t>(std::count(log->text.begin(), log->text.end(), '\n'));
        return;
      }
    }
    ProcessTableTest::Keep(std::move(event));
  }

  std::size_t log_bytes_ = 0;
  std::size_t longest_log_ = 0;
  std::size_t lines_ = 0;
};

constexpr const char* kFinal =
    "echo '{\"f\":\"final\",\"step\":9,\"outcome\":\"succeeded\"}' >&3\n";

TEST_F(ProcessFloodTest, AHundredMegabytesOfLogLinesPassThrough) {
  const std::uint64_t before = PeakBytes();
  Start("yes 'a line that is thirty-two long:' | head -c " + std::to_string(kFloodBytes) + "\n" +
        kProgress + kFinal);
  ASSERT_TRUE(WaitForEnd());
  EXPECT_EQ(log_bytes_, kFloodBytes);
  EXPECT_EQ(lines_, kFloodBytes / 32);
  EXPECT_EQ(All<FinalReported>().size(), 1u);
  EXPECT_EQ(Facts<ProgressFact>().size(), 1u);
  EXPECT_LT(longest_log_, 256u << 10);
  if (!kSanitized) {
    EXPECT_LT(PeakBytes(), before + (64u << 20));
  }
}

TEST_F(ProcessFloodTest, OneEndlessLineIsCut) {
  const std::uint64_t before = PeakBytes();
  Start("head -c " + std::to_string(kFloodBytes) + " /dev/zero\n" + kProgress + kFinal);
  ASSERT_TRUE(WaitForEnd());
  EXPECT_EQ(lines_, 1u);
  EXPECT_EQ(log_bytes_, limits::kLogLineBytesMax + 1);
  EXPECT_EQ(All<FinalReported>().size(), 1u);
  if (!kSanitized) {
    EXPECT_LT(PeakBytes(), before + (64u << 20));
  }
}

TEST_F(ProcessFloodTest, GarbageAmongFactsIsPassedOver) {
  Start(std::string(kProgress) +
        "head -c 20000000 /dev/urandom >&3; echo >&3\n"
        "head -c 20000000 /dev/zero >&3; echo >&3\n"
        "yes '{\"f\":' | head -c 20000000 >&3; echo >&3\n" +
        kProgress + kFinal);
  ASSERT_TRUE(WaitForEnd());
  EXPECT_EQ(Facts<ProgressFact>().size(), 2u);
  EXPECT_EQ(All<FinalReported>().size(), 1u);
  // What is said of it has a limit, too.
  EXPECT_GT(log_bytes_, 0u);
  EXPECT_LT(log_bytes_, 64u << 10);
}

TEST_F(ProcessFloodTest, GarbageInsteadOfTheContractIsAFailureOfTheTrial) {
  StartScript("head -c 1000000 /dev/urandom >&3; echo >&3\n" + std::string(kProgress) + kFinal);
  ASSERT_TRUE(WaitForEnd());
  ASSERT_EQ(All<FailureReported>().size(), 1u);
  EXPECT_THAT(All<FailureReported>()[0].detail, HasSubstr("contract"));
  EXPECT_TRUE(All<FinalReported>().empty());
  EXPECT_TRUE(Facts<ProgressFact>().empty());
}

}  // namespace
}  // namespace fusor::agent
