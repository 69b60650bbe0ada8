// The parser beside nlohmann's, over texts that are JSON and texts that were damaged.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/text/json.h"

namespace fusor {
namespace {

using Peer = nlohmann::ordered_json;

const std::vector<std::string>& Texts() {
  static const std::vector<std::string> kTexts = {
      R"({"f":"metrics","step":120,"t":1700000000123,"v":{"train/loss":2.5e-3,"x":-0.0,"y":"nan"}})",
      R"([[],{},[[[null]]],true,false,"","\u00e9\ud83d\ude00\\\"\/\b\f\n\r\t","€😀"])",
      R"({"a":[0,-1,9223372036854775807,-9223372036854775808,18446744073709551616,1E+2,0.1e-10]})",
      " \t\r\n{ \"key\" : [ 1 , 2 ] , \"other\" : { \"deep\" : [ { } ] } } \n"};
  return kTexts;
}

// Members that the text has twice are refused here and overwritten there; those are left out.
bool Repeats(const std::string& text) {
  std::vector<std::vector<std::string>> open;
  bool repeats = false;
  auto look = [&](int, Peer::parse_event_t event, Peer& parsed) {
    if (event == Peer::parse_event_t::object_start) open.emplace_back();
    if (event == Peer::parse_event_t::object_end) open.pop_back();
    if (event == Peer::parse_event_t::key) {
      const auto name = parsed.get<std::string>();
      for (const std::string& other : open.back()) repeats = repeats || other == name;
      open.back().push_back(name);
    }
    return true;
  };
  [[maybe_unused]] const Peer parsed = Peer::parse(text, look, /*allow_exceptions=*/false);
  return repeats;
}

void ExpectSame(const Json& ours, const Peer& theirs) {
  switch (ours.kind) {
    case Json::Kind::kNull:
      EXPECT_TRUE(theirs.is_null());
      break;
    case Json::Kind::kBool:
      EXPECT_EQ(Peer(ours.flag), theirs);
      break;
    case Json::Kind::kInt:
      EXPECT_TRUE(theirs.is_number_integer());
      EXPECT_EQ(ours.integer, theirs.get<std::int64_t>());
      break;
    case Json::Kind::kFloat:
      EXPECT_EQ(ours.real, theirs.get<double>());
      break;
    case Json::Kind::kText:
      EXPECT_EQ(Peer(ours.text), theirs);
      break;
    case Json::Kind::kArray:
      ASSERT_TRUE(theirs.is_array());
      ASSERT_EQ(ours.items.size(), theirs.size());
      for (std::size_t i = 0; i < theirs.size(); ++i) ExpectSame(ours.items[i], theirs[i]);
      break;
    case Json::Kind::kObject: {
      ASSERT_TRUE(theirs.is_object());
      ASSERT_EQ(ours.members.size(), theirs.size());
      auto member = theirs.begin();
      for (const Json::Member& own : ours.members) {
        EXPECT_EQ(own.name, member.key());
        ExpectSame(own.value, (member++).value());
      }
      break;
    }
  }
}

// One to three bytes taken out, put in or replaced, mostly by what means something.
std::string Damaged(Random& random) {
  static constexpr std::string_view kBytes = "{}[]\",:\\u0e+-.9tfn \n\x01\x80\xc3\xed\xff";
  std::string text = Texts()[random.Below(Texts().size())];
  for (std::uint64_t left = 1 + random.Below(3); left > 0 && !text.empty(); --left) {
    const std::uint64_t at = random.Below(text.size());
    const char byte = kBytes[random.Below(kBytes.size())];
    switch (random.Below(3)) {
      case 0:
        text.erase(at, 1);
        break;
      case 1:
        text.insert(text.begin() + static_cast<std::ptrdiff_t>(at), byte);
        break;
      default:
        text[at] = byte;
    }
  }
  return text;
}

TEST(JsonPeer, AcceptsTheSameTextsAsTheSameTrees) {
  Random random(11);
  int accepted = 0;
  for (int i = 0; i < 30'000; ++i) {
    const std::string text = i < 4 ? Texts()[static_cast<std::size_t>(i)] : Damaged(random);
    if (Repeats(text)) continue;
    SCOPED_TRACE(text);
    const Result<Json> ours = ParseJson(text);
    const Peer theirs = Peer::parse(text, nullptr, /*allow_exceptions=*/false);
    ASSERT_EQ(ours.ok(), !theirs.is_discarded());
    if (!ours.ok()) continue;
    ++accepted;
    ExpectSame(*ours, theirs);
    if (HasFailure()) return;
  }
  EXPECT_GT(accepted, 1'000);
}

}  // namespace
}  // namespace fusor
