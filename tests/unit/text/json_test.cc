#include "common/text/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace fusor {
namespace {

std::string Refusal(std::string_view text) {
  const Result<Json> parsed = ParseJson(text);
  return parsed.ok() ? "accepted" : parsed.status().message();
}

TEST(ParseJson, ReadsEveryKind) {
  const Result<Json> parsed =
      ParseJson(R"( {"a":[1,-2.5,"x\u00e9",true,null],"b":{"c":9223372036854775807},"d":1e3} )");
  ASSERT_TRUE(parsed.ok());
  const Json* a = parsed->Find("a");
  ASSERT_NE(a, nullptr);
  ASSERT_EQ(a->items.size(), 5U);
  EXPECT_EQ(a->items[0].kind, Json::Kind::kInt);
  EXPECT_EQ(a->items[0].integer, 1);
  EXPECT_EQ(a->items[0].real, 1.0);
  EXPECT_EQ(a->items[1].real, -2.5);
  EXPECT_EQ(a->items[2].text, "x\xc3\xa9");
  EXPECT_TRUE(a->items[3].flag);
  EXPECT_EQ(a->items[4].kind, Json::Kind::kNull);
  EXPECT_EQ(parsed->Find("b")->Find("c")->integer, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(parsed->Find("d")->kind, Json::Kind::kFloat);
  EXPECT_EQ(parsed->Find("e"), nullptr);
  EXPECT_EQ(a->Find("a"), nullptr);
}

// A search among all members for each new one would take longer than the test may run.
TEST(ParseJson, ManyMembers) {
  std::string text = "{";
  for (int i = 0; i < 300'000; ++i) text += "\"k" + std::to_string(i) + "\":0,";
  const Result<Json> parsed = ParseJson(text + "\"last\":1}");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->members.size(), 300'001U);
  EXPECT_EQ(Refusal(text + "\"k7\":1}"), "duplicate key \"k7\"");
}

TEST(ParseJson, IntegersBeyond64BitsAreFloats) {
  const Result<Json> parsed = ParseJson("18446744073709551615");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->kind, Json::Kind::kFloat);
  EXPECT_EQ(parsed->real, 18446744073709551615.0);
}

TEST(ParseJson, RefusesWhatIsNotJson) {
  EXPECT_EQ(Refusal(""), "not JSON at byte 1");
  EXPECT_EQ(Refusal(R"({"a":1)"), "not JSON at byte 7");
  EXPECT_EQ(Refusal("{} {}"), "not JSON at byte 4");
  EXPECT_EQ(Refusal("nan"), "not JSON at byte 2");
  EXPECT_EQ(Refusal("\"\xff\""), "not JSON at byte 2");
  EXPECT_EQ(Refusal("1e999"), "not JSON at byte 5");
  EXPECT_EQ(Refusal(R"({"a":1,"a":2})"), "duplicate key \"a\"");
  EXPECT_EQ(Refusal(std::string(1'000'000, '[')), "nested too deeply");
  EXPECT_EQ(Refusal(std::string(64, '[') + std::string(64, ']')), "accepted");
}

TEST(ParseJson, TextIsUtf8AndEscapesAreWhole) {
  const Result<Json> parsed = ParseJson(R"(["\"\\\/\b\f\n\r\t","\ud83d\ude00","\u20AC", "€😀"])");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->items[0].text, "\"\\/\b\f\n\r\t");
  EXPECT_EQ(parsed->items[1].text, "😀");
  EXPECT_EQ(parsed->items[2].text, "€");
  EXPECT_EQ(parsed->items[3].text, "€😀");
  for (const char* half : {R"("\ud83d")", R"("\ude00")", R"("\ud83d\u0041")", R"("\u12g4")",
                           R"("\x")", "\"\xc0\xaf\"", "\"\xe0\x80\xaf\"", "\"\xed\xa0\x80\"",
                           "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"", "\"\n\"", "\"", "\"\\"}) {
    EXPECT_NE(Refusal(half), "accepted") << half;
  }
}

TEST(ParseJson, NumbersAreThoseOfTheGrammar) {
  for (const char* number : {"0", "-0", "10", "-1.25e-2", "1E+3", "1e-999", "0.0"}) {
    EXPECT_EQ(Refusal(number), "accepted") << number;
  }
  for (const char* number : {"01", "+1", ".5", "1.", "1e", "-", "0x1", "1e+", "--1", "Infinity"}) {
    EXPECT_NE(Refusal(number), "accepted") << number;
  }
  EXPECT_EQ(ParseJson("-1.25e-2")->real, -0.0125);
  EXPECT_EQ(ParseJson("1e-999")->real, 0);
}

TEST(ParseJson, CommasStandBetween) {
  for (const char* text :
       {"[1,]", "[,1]", "{\"a\":1,}", "{,}", "[1 2]", "{\"a\" 1}", "{1:2}", "]"}) {
    EXPECT_NE(Refusal(text), "accepted") << text;
  }
  EXPECT_EQ(Refusal(" [ ] "), "accepted");
  EXPECT_EQ(Refusal("\t{ \"a\" : { } }\r\n"), "accepted");
}

TEST(ParseFlatObject, ReadsBackACanonicalConfig) {
  const ParamValues values = {
      {"a", std::int64_t{1}}, {"b", 0.1}, {"c", "x\ny"}, {"d", true}, {"e", 64.0}};
  const Result<ParamValues> back = ParseFlatObject(CanonicalConfig(values));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(*back, values);
}

TEST(ParseFlatObject, RefusesNesting) {
  EXPECT_EQ(ParseFlatObject(R"({"a":[1]})").status().message(),
            "a is neither a number, a text nor a bool");
  EXPECT_EQ(ParseFlatObject(R"({"a":null})").status().message(),
            "a is neither a number, a text nor a bool");
  EXPECT_EQ(ParseFlatObject("[1]").status().message(), "not a JSON object");
}

TEST(JsonWriter, PlacesCommas) {
  JsonWriter json;
  json.BeginObject().Key("a").BeginArray().Int(1).Float(2).Text("x\"").Bool(true).Null().EndArray();
  json.Key("b").BeginObject().EndObject().Key("c").BeginArray().BeginArray().EndArray().Raw("[2]");
  json.EndArray().Key("d").Write(Value(std::int64_t{3})).Key("e").Float(std::nan("")).EndObject();
  EXPECT_EQ(json.text(), R"({"a":[1,2.0,"x\"",true,null],"b":{},"c":[[],[2]],"d":3,"e":"nan"})");
  EXPECT_TRUE(ParseJson(json.text()).ok());
}

}  // namespace
}  // namespace fusor
