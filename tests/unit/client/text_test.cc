#include "client/format/text.h"

#include <gtest/gtest.h>

#include <limits>

#include "client/format/clock.h"
#include "client/format/look.h"
#include "client/format/width.h"

namespace fusor::client {
namespace {

TEST(Text, NumbersHaveFiveDigits) {
  EXPECT_EQ(NumberText(0.78124999), "0.78125");
  EXPECT_EQ(NumberText(1.2346e-5), "1.2346e-05");
  EXPECT_EQ(NumberText(250000), "250000");
  EXPECT_EQ(NumberText(-0.5), "-0.5");
  EXPECT_EQ(NumberText(std::numeric_limits<double>::quiet_NaN()), "nan");
  EXPECT_EQ(NumberText(-std::numeric_limits<double>::infinity()), "-inf");
}

TEST(Text, MeanHasAsManyDecimalsAsItsSpread) {
  EXPECT_EQ(MeanText(0.78123, 0.0031, "±"), "0.7812 ± 0.0031");
  EXPECT_EQ(MeanText(0.78123, 0, "±"), "0.78123");
  EXPECT_EQ(MeanText(1234.5, 12.3, "+-"), "1234 +- 12");
  EXPECT_EQ(MeanText(0.5, 0.25, "±"), "0.50 ± 0.25");
  EXPECT_EQ(MeanText(std::numeric_limits<double>::infinity(), 0.1, "±"), "inf");
}

TEST(Text, Durations) {
  EXPECT_EQ(DurationText(Duration(850)), "850ms");
  EXPECT_EQ(DurationText(Duration(12'400)), "12.4s");
  EXPECT_EQ(DurationText(Duration(59'960)), "1m 00s");
  EXPECT_EQ(DurationText(Duration(200'000)), "3m 20s");
  EXPECT_EQ(DurationText(Duration(7'500'000)), "2h 05m");
  EXPECT_EQ(DurationText(Duration(3 * 86'400'000 + 4 * 3'600'000)), "3d 4h");
  EXPECT_EQ(DurationText(Duration(-5)), "0ms");
}

TEST(Text, RoughDurations) {
  EXPECT_EQ(RoughText(Duration(20)), "1s");
  EXPECT_EQ(RoughText(Duration(12'400)), "12s");
  EXPECT_EQ(RoughText(Duration(59'600)), "1m 00s");
  EXPECT_EQ(RoughText(Duration(119'700)), "2m 00s");
}

TEST(Text, ParsesDurations) {
  EXPECT_EQ(*ParseDuration("90s"), Duration(90'000));
  EXPECT_EQ(*ParseDuration("1h30m"), Duration(5'400'000));
  EXPECT_EQ(*ParseDuration("500ms"), Duration(500));
  EXPECT_EQ(*ParseDuration("1.5h"), Duration(5'400'000));
  EXPECT_EQ(*ParseDuration("20"), Duration(20'000));
  for (const char* bad : {"", "h", "10x", "-5s", "5s10", "1e99d", "ten"}) {
    EXPECT_FALSE(ParseDuration(bad).ok()) << bad;
  }
}

TEST(Text, Bytes) {
  EXPECT_EQ(BytesText(512), "512 B");
  EXPECT_EQ(BytesText(1'200), "1.2 KiB");
  EXPECT_EQ(BytesText(34ULL << 20U), "34 MiB");
  EXPECT_EQ(BytesText(1023ULL << 10U), "1023 KiB");
  EXPECT_EQ(BytesText(std::numeric_limits<std::uint64_t>::max()), "16384 PiB");
}

TEST(Text, PercentIsFullOnlyAtTheEnd) {
  EXPECT_EQ(PercentText(0.999999), "99%");
  EXPECT_EQ(PercentText(1), "100%");
  EXPECT_EQ(PercentText(-1), "0%");
}

TEST(Text, MomentsAgo) {
  const Time now = FromUnixMillis(1'750'000'000'000);
  EXPECT_EQ(AgoText(now - Duration(12'000), now), "12s ago");
  EXPECT_EQ(AgoText(now - Duration(3 * 3'600'000), now), "3h ago");
  EXPECT_EQ(AgoText(now + Duration(5'000), now), "0s ago");
  EXPECT_EQ(AgoText(kNever, now), "");
  EXPECT_EQ(IsoTime(FromUnixMillis(1'750'000'000'007)), "2025-06-15T15:06:40.007Z");
}

TEST(Width, CountsCharactersAndNoColours) {
  EXPECT_EQ(DisplayWidth("abc"), 3U);
  EXPECT_EQ(DisplayWidth("±█░"), 3U);
  EXPECT_EQ(DisplayWidth("\x1b[31mred\x1b[0m"), 3U);
  EXPECT_EQ(DisplayWidth("\xff\xfe"), 2U);
}

TEST(Width, CutsWholeCharactersAndEndsColours) {
  EXPECT_EQ(CutTo("abcdef", 4, "…"), "abc…");
  EXPECT_EQ(CutTo("abc", 3, "…"), "abc");
  EXPECT_EQ(CutTo("ééééé", 3, "~"), "éé~");
  EXPECT_EQ(CutTo("\x1b[31mabcdef\x1b[0m", 3, ""), "\x1b[31mabc\x1b[0m");
  EXPECT_EQ(CutTo("abc", 0, "…"), "");
}

TEST(Width, WrapsAtBlanks) {
  const auto wrapped = [](std::string_view text, std::size_t width) {
    return Join(WrapTo(text, width), "|");
  };
  EXPECT_EQ(wrapped("", 5), "");
  EXPECT_EQ(wrapped("one two", 7), "one two");
  EXPECT_EQ(wrapped("one two three", 7), "one two|three");
  EXPECT_EQ(wrapped("a  b", 4), "a  b");
  EXPECT_EQ(wrapped("äöü äöü", 3), "äöü|äöü");
  EXPECT_EQ(wrapped("x abcdefgh y", 3), "x|abc|def|gh|y");
  EXPECT_EQ(wrapped("word", 0), "word");
}

TEST(Text, ShellWordsAreQuotedWhereTheyMust) {
  EXPECT_EQ(ShellWord("runs/a-1_b.yaml"), "runs/a-1_b.yaml");
  EXPECT_EQ(ShellWord("seeds=[0,1]"), "'seeds=[0,1]'");
  EXPECT_EQ(ShellWord("it's"), "'it'\\''s'");
  EXPECT_EQ(ShellWord(""), "''");
}

TEST(Width, MakesBytesHarmless) {
  EXPECT_EQ(Printable("plain\ttext é"), "plain\ttext é");
  EXPECT_EQ(Printable("\x1b]0;title\x07"), "?]0;title?");
  EXPECT_EQ(Printable("a\xff"), "a?");
  EXPECT_EQ(Printable("\xc2\x9b"
                      "31m"),
            "?31m");
}

TEST(Look, BarsFillInEighths) {
  Look look;
  EXPECT_EQ(look.Bar(0, 4), "░░░░");
  EXPECT_EQ(look.Bar(0.5, 4), "██░░");
  EXPECT_EQ(look.Bar(0.53125, 4), "██▏░");
  EXPECT_EQ(look.Bar(1, 4), "████");
  EXPECT_EQ(look.Bar(0.9999, 4), "███▉");
  EXPECT_EQ(look.Bar(7, 4), "████");
  look.unicode = false;
  EXPECT_EQ(look.Bar(0.5, 4), "##..");
}

TEST(Look, PaintsOnlyWithColour) {
  Look look;
  EXPECT_EQ(look.Paint("x", Style::kBad), "x");
  look.colour = true;
  EXPECT_EQ(look.Paint("x", Style::kBad), "\x1b[31mx\x1b[0m");
  EXPECT_EQ(look.Paint("", Style::kBad), "");
}

}  // namespace
}  // namespace fusor::client
