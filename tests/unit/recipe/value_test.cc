#include "common/recipe/value.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

#include "common/base/random.h"

namespace fusor {
namespace {

TEST(CanonicalJson, WritesEachType) {
  EXPECT_EQ(CanonicalJson(true), "true");
  EXPECT_EQ(CanonicalJson(false), "false");
  EXPECT_EQ(CanonicalJson(std::int64_t{-12}), "-12");
  EXPECT_EQ(CanonicalJson(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(CanonicalJson(std::string("a\"b\\c\n")), R"("a\"b\\c\n")");
}

TEST(CanonicalJson, FloatsNeverLookLikeIntegers) {
  EXPECT_EQ(CanonicalJson(1.0), "1.0");
  EXPECT_EQ(CanonicalJson(0.1), "0.1");
  EXPECT_EQ(CanonicalJson(1e300), "1e+300");
  EXPECT_EQ(CanonicalJson(-0.0), "-0.0");
  EXPECT_EQ(CanonicalJson(std::nan("")), "\"nan\"");
  EXPECT_EQ(CanonicalJson(std::numeric_limits<double>::infinity()), "\"inf\"");
  EXPECT_EQ(CanonicalJson(-std::numeric_limits<double>::infinity()), "\"-inf\"");
}

TEST(CanonicalJson, FloatsReadBackBitForBit) {
  Random random(7);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t bits = random.Next();
    const auto number = std::bit_cast<double>(bits);
    if (!std::isfinite(number)) continue;
    const std::string text = CanonicalJson(number);
    double back = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), back);
    ASSERT_EQ(end.ptr, text.data() + text.size()) << text;
    ASSERT_EQ(std::bit_cast<std::uint64_t>(back), bits) << text;
  }
}

TEST(DisplayText, HasNoQuotes) {
  EXPECT_EQ(DisplayText(std::string("bf16")), "bf16");
  EXPECT_EQ(DisplayText(std::int64_t{64}), "64");
  EXPECT_EQ(DisplayText(0.5), "0.5");
}

TEST(JsonQuote, EscapesControlCharactersAndKeepsUtf8) {
  EXPECT_EQ(JsonQuote("\x01\x7f\t"), R"("\u0001\u007f\t")");
  EXPECT_EQ(JsonQuote("gr\xc3\xb6\xc3\x9f\x65"), "\"gr\xc3\xb6\xc3\x9f\x65\"");
  EXPECT_EQ(JsonQuote("\xf0\x9f\x98\x80"), "\"\xf0\x9f\x98\x80\"");
}

TEST(JsonQuote, ReplacesBrokenUtf8) {
  const std::string mark = "\xef\xbf\xbd";
  EXPECT_EQ(JsonQuote("a\xff\x62"), "\"a" + mark + "b\"");
  EXPECT_EQ(JsonQuote("\xc3"), "\"" + mark + "\"");                        // cut off
  EXPECT_EQ(JsonQuote("\xc0\xaf"), "\"" + mark + mark + "\"");             // overlong
  EXPECT_EQ(JsonQuote("\xed\xa0\x80"), "\"" + mark + mark + mark + "\"");  // surrogate
  EXPECT_EQ(JsonQuote("\xf4\x90\x80\x80"), "\"" + mark + mark + mark + mark + "\"");
}

}  // namespace
}  // namespace fusor
