#include "worker/process/json_cursor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "common/base/random.h"

namespace fusor::agent {
namespace {

std::string ReadString(const std::string& json) {
  JsonCursor in(json);
  std::string value;
  return in.String(value) && in.AtEnd() ? value : "<refused>";
}

TEST(JsonCursor, ReadsEscapes) {
  EXPECT_EQ(ReadString(R"("plain")"), "plain");
  EXPECT_EQ(ReadString(R"("a\"b\\c\/d\n\t")"), "a\"b\\c/d\n\t");
  EXPECT_EQ(ReadString(R"("\u00e9\u20ac\ud83d\ude00")"), "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  EXPECT_EQ(ReadString("\"\xC3\xA9\""), "\xC3\xA9");
}

TEST(JsonCursor, RefusesWhatIsNoText) {
  for (const char* json : {"\"a", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "a",
                           "\"\xFF\"", "\"\xC3\"", "\"\xED\xA0\x80\"", "\"\n\"", "\"a\" b"}) {
    EXPECT_EQ(ReadString(json), "<refused>") << json;
  }
}

TEST(JsonCursor, ReadsNumbersAndTheNonFiniteAsText) {
  const auto read = [](const std::string& json) {
    JsonCursor in(json);
    double value = -77;
    return in.Double(value) && in.AtEnd() ? value : -99;
  };
  EXPECT_EQ(read("1.25"), 1.25);
  EXPECT_EQ(read("-3e2"), -300);
  EXPECT_EQ(read("1e999"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(read("-1e999"), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(read("1e-999"), 0);
  EXPECT_TRUE(std::isnan(read("\"nan\"")));
  EXPECT_EQ(read("\"-inf\""), -std::numeric_limits<double>::infinity());
  for (const char* json : {"nan", "", "+1", "1x", "\"infinity\"", "--1", "true"}) {
    EXPECT_EQ(read(json), -99) << json;
  }
}

TEST(JsonCursor, WalksObjectsAndArrays) {
  JsonCursor in(R"( {"a": [1, 2, 3], "b": {"c": null}, "d": "x", "e": []} )");
  std::string_view key;
  std::string seen;
  for (bool more = in.BeginObject(); more && in.NextKey(key);) {
    seen += key;
    if (key == "a") {
      std::int64_t number = 0;
      for (in.BeginArray(); in.NextElement();) {
        ASSERT_TRUE(in.Int(number));
        seen += std::to_string(number);
      }
    } else {
      more = in.Skip();
    }
  }
  EXPECT_TRUE(in.AtEnd());
  EXPECT_EQ(seen, "a123bde");
}

TEST(JsonCursor, RefusesBrokenStructure) {
  for (const char* json : {"{\"a\":1,}", "{\"a\" 1}", "{a:1}", "[1,]", "[1 2]", "{\"a\":1", "{,}",
                           "[", "{\"a\":tru}", "{} {}", "nul"}) {
    JsonCursor in(json);
    EXPECT_FALSE(in.Skip() && in.AtEnd()) << json;
  }
  const std::string nested(100'000, '[');
  JsonCursor deep(nested);
  EXPECT_FALSE(deep.Skip());
}

// Whatever bytes come, it ends, and reads nothing beyond them (the sanitizers watch).
TEST(JsonCursor, SurvivesDamagedText) {
  const std::string good =
      R"({"f":"metrics","step":12,"v":{"a\u00e9":1.5e-3,"b":"nan"},"l":[[1,2],[3]],"t":true})";
  Random random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::string text = good.substr(0, random.Below(good.size() + 1));
    for (std::uint64_t n = random.Below(4); n > 0 && !text.empty(); --n) {
      const std::size_t at = random.Below(text.size());
      text[at] = static_cast<char>(random.Below(256));
    }
    const std::string exact(text);  // its own allocation: an overrun is seen
    JsonCursor in(exact);
    const bool whole = in.Skip() && in.AtEnd();
    EXPECT_EQ(in.ok() || !whole, true);
  }
}

}  // namespace
}  // namespace fusor::agent
