#include <gtest/gtest.h>

#include <set>
#include <string>

#include "common/base/count.h"
#include "common/base/outcome.h"
#include "common/base/random.h"
#include "common/base/sha256.h"
#include "common/base/status.h"

namespace fusor {
namespace {

// The vectors of FIPS 180-2, and lengths around the padding's edges.
TEST(Sha256, KnownDigests) {
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256Hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(Sha256Hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Random, RepeatsAndStaysInBounds) {
  Random first(7);
  Random second(7);
  Random other(8);
  bool differs = false;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t draw = first.Below(10);
    EXPECT_EQ(draw, second.Below(10));
    EXPECT_LT(draw, 10u);
    differs |= draw != other.Below(10);
  }
  EXPECT_TRUE(differs);
}

TEST(Random, MixSpreadsNeighbours) {
  std::set<std::uint64_t> seen;
  for (std::uint64_t a = 0; a < 100; ++a) {
    for (std::uint64_t b = 0; b < 100; ++b) seen.insert(Mix(a, b));
  }
  EXPECT_EQ(seen.size(), 10'000u);
}

TEST(Outcome, NamesGoBothWays) {
  for (int i = 0; i <= static_cast<int>(Failure::kCanceled); ++i) {
    const auto failure = static_cast<Failure>(i);
    EXPECT_EQ(FailureFromName(FailureName(failure)), failure);
  }
  EXPECT_FALSE(FailureFromName("bored"));
  EXPECT_TRUE(IsCrash(Failure::kHung));
  EXPECT_FALSE(IsCrash(Failure::kDiverged));
}

TEST(Outcome, ReadsAsPlainWords) {
  EXPECT_EQ(FailureWords(Failure::kCrashedSignal, 9), "crashed (signal 9, killed)");
  EXPECT_EQ(FailureWords(Failure::kCrashedSignal, 64), "crashed (signal 64)");
  EXPECT_EQ(FailureWords(Failure::kCrashedSignal), "crashed (by a signal)");
  EXPECT_EQ(FailureWords(Failure::kCrashedExit, 3), "crashed (exited with status 3)");
  EXPECT_EQ(FailureWords(Failure::kOutOfMemoryDevice), "out of memory (GPU)");
  EXPECT_EQ(FailureWords(Failure::kLost), "worker lost");
  EXPECT_EQ(FailureWords(Failure::kNone), "");
}

TEST(Count, OneIsNoPlural) {
  EXPECT_EQ(CountText(999), "999");
  EXPECT_EQ(CountText(1'048'576), "1,048,576");
  EXPECT_EQ(CountOf(0, "trial"), "0 trials");
  EXPECT_EQ(CountOf(1, "trial"), "1 trial");
  EXPECT_EQ(CountOf(12'000, "trial"), "12,000 trials");
  EXPECT_EQ(CountWords(1, "class is", "classes are"), "1 class is");
  EXPECT_EQ(CountWords(2, "class is", "classes are"), "2 classes are");
}

TEST(Status, SaysCodeAndReason) {
  EXPECT_EQ(NotFound("no sweep 7").ToString(), "NOT_FOUND: no sweep 7");
  EXPECT_EQ(Status().ToString(), "OK");
  const Result<int> value = 5;
  EXPECT_EQ(*value, 5);
  const Result<int> error = DataLoss("bad");
  EXPECT_EQ(error.status().code(), Code::kDataLoss);
}

}  // namespace
}  // namespace fusor
