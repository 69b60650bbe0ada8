#include "common/text/scalar.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fusor {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

YamlNode Node(std::string_view text) { return ParseYaml(text).root; }

// The value, or the refusal, as text.
template <class T>
std::string Shown(const Result<T>& result) {
  return result.ok() ? CanonicalJson(Value(*result)) : "refused: " + result.status().message();
}
std::string Bool(std::string_view text) { return Shown(ReadBool(Node(text))); }
std::string Int(std::string_view text) { return Shown(ReadInt(Node(text))); }
std::string Float(std::string_view text) { return Shown(ReadFloat(Node(text))); }
std::string Text(std::string_view text) { return Shown(ReadText(Node(text))); }

TEST(ReadBool, KnowsTheWordsOfYaml11) {
  for (const char* yes : {"true", "True", "TRUE", "yes", "Yes", "on", "ON", "y"}) {
    EXPECT_EQ(Bool(yes), "true") << yes;
  }
  for (const char* no : {"false", "no", "No", "NO", "off", "n"}) EXPECT_EQ(Bool(no), "false") << no;
  EXPECT_EQ(Bool("1"), "refused: '1' is not true or false");
  EXPECT_EQ(Bool("'no'"), "refused: expected true or false, got text in quotes: 'no'");
  EXPECT_EQ(Bool("[no]"), "refused: expected true or false, got a list");
  EXPECT_EQ(Bool(""), "refused: expected true or false, got nothing");
}

TEST(ReadInt, IsNotTrappedByYaml11) {
  EXPECT_EQ(Int("64"), "64");
  EXPECT_EQ(Int("010"), "10");
  EXPECT_EQ(Int("-0008"), "-8");
  EXPECT_EQ(Int("+7"), "7");
  EXPECT_EQ(Int("1e3"), "1000");
  EXPECT_EQ(Int("64.0"), "64");
  EXPECT_EQ(Int("1_000_000"), "1000000");
  EXPECT_EQ(Int("0x40"), "64");
  EXPECT_EQ(Int("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(Int("9223372036854775808"), "refused: '9223372036854775808' does not fit 64 bits");
  for (const char* text : {"1:30", "1.5", "0o17", "1__0", "_1", "1_", "--1", "+-1", "1e", "0x",
                           "1e300", "1e-3", ".inf", "ten", "1 2", "0x-1", "1,000"}) {
    EXPECT_EQ(Int(text), "refused: '" + std::string(text) + "' is not an integer");
  }
}

TEST(ReadFloat, ReadsWhatYamlCallsNumbers) {
  EXPECT_EQ(Float("0.1"), "0.1");
  EXPECT_EQ(Float("1e-3"), "0.001");
  EXPECT_EQ(Float(".5"), "0.5");
  EXPECT_EQ(Float("5."), "5.0");
  EXPECT_EQ(Float("010"), "10.0");
  EXPECT_EQ(Float("-1_0.5"), "-10.5");
  EXPECT_EQ(Float("-.inf"), "\"-inf\"");
  EXPECT_EQ(Float(".nan"), "\"nan\"");
  EXPECT_EQ(Float("1e999"), "\"inf\"");
  for (const char* text : {"inf", "nan", "1:30.5", "0.1.2", "1e", "e5", ".", "fast"}) {
    EXPECT_EQ(Float(text), "refused: '" + std::string(text) + "' is not a number");
  }
}

TEST(ReadText, LeavesWordsAlone) {
  EXPECT_EQ(Text("no"), "\"no\"");
  EXPECT_EQ(Text("010"), "\"010\"");
  EXPECT_EQ(Text("1e3"), "\"1e3\"");
  EXPECT_EQ(Text("null"), "\"null\"");
  EXPECT_EQ(Text("''"), "\"\"");
  EXPECT_EQ(Text("2026-01-01"), "\"2026-01-01\"");
  EXPECT_EQ(Text("~"), "refused: expected text, got nothing");
  EXPECT_EQ(Text("{a: 1}"), "refused: expected text, got a map");
  EXPECT_EQ(Text("!!int 5"), "refused: tags (tag:yaml.org,2002:int) are not read");
}

TEST(ReadDuration, NeedsAUnit) {
  EXPECT_EQ(*ReadDuration(Node("30s")), seconds(30));
  EXPECT_EQ(*ReadDuration(Node("2m")), minutes(2));
  EXPECT_EQ(*ReadDuration(Node("8h")), hours(8));
  EXPECT_EQ(*ReadDuration(Node("1.5d")), hours(36));
  EXPECT_EQ(*ReadDuration(Node("500ms")), milliseconds(500));
  EXPECT_EQ(*ReadDuration(Node("1h30m")), minutes(90));
  EXPECT_EQ(*ReadDuration(Node("'2m'")), minutes(2));
  EXPECT_EQ(*ReadDuration(Node("0")), seconds(0));
  EXPECT_EQ(*ReadDuration(Node("3650d")), hours(87'600));
  for (const char* text : {"2x", "m", "-5m", "1h 30m", "1m2", "..5s", "1:30", "\"\""}) {
    EXPECT_FALSE(ReadDuration(Node(text)).ok()) << text;
  }
  EXPECT_EQ(ReadDuration(Node("30")).status().message(), "'30' has no unit; write 30s, 30m or 30h");
}

TEST(ReadPercent, IsAShare) {
  EXPECT_EQ(*ReadPercent(Node("10%")), 0.1);
  EXPECT_EQ(*ReadPercent(Node("0%")), 0.0);
  EXPECT_EQ(*ReadPercent(Node("100%")), 1.0);
  EXPECT_EQ(*ReadPercent(Node("2.5%")), 0.025);
  for (const char* text : {"10", "101%", "-1%", "%", "ten%", "[10%]", ".nan%"}) {
    EXPECT_FALSE(ReadPercent(Node(text)).ok()) << text;
  }
}

TEST(ReadValue, ReadsByDeclaredType) {
  const Recipe& recipe = *FindRecipe("expert");
  const auto read = [&](const char* name, std::string_view text) {
    return Shown(ReadValue(*recipe.Find(name), Node(text)));
  };
  EXPECT_EQ(read("learning_rate", "1"), "1.0");
  EXPECT_EQ(read("epochs", "1e2"), "100");
  EXPECT_EQ(read("nesterov", "no"), "false");
  EXPECT_EQ(read("data", "'cifar10'"), "\"cifar10\"");
  const Recipe& probe = *FindRecipe("probe");
  EXPECT_EQ(Shown(ReadValue(*probe.Find("model"), Node("no"))), "\"no\"");
  EXPECT_EQ(Shown(ReadValue(*probe.Find("model"), Node("010"))), "\"010\"");
}

}  // namespace
}  // namespace fusor
