#include "coordinator/store/json_list.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace fusor {
namespace {

TEST(JsonList, TextsComeBackAsTheyWere) {
  const std::vector<std::string> texts = {
      "", "a\"b\\c", "line\nnext\ttab\r", std::string("\x01\x7f", 2), "ü€", ",[]{}:"};
  EXPECT_EQ(*TextsFromJson(ToJson(texts)), texts);
  EXPECT_EQ(ToJson(std::vector<std::string>{}), "[]");
  EXPECT_TRUE(TextsFromJson("[]")->empty());
}

TEST(JsonList, PairsComeBackAsTheyWere) {
  const std::map<std::string, std::string> pairs = {{"a", "1"}, {"b\"", "x,y"}, {"", ""}};
  EXPECT_EQ(*PairsFromJson(ToJson(pairs)), pairs);
  EXPECT_TRUE(PairsFromJson("{}")->empty());
}

TEST(JsonList, NumbersComeBackInOrder) {
  const std::vector<std::int64_t> numbers = {3, -4, INT64_MAX, INT64_MIN};
  EXPECT_EQ(*NumbersFromJson(ToJson(numbers)), numbers);
  EXPECT_EQ(*NumbersFromJson("[[3,0],[4,7]]"), (std::vector<std::int64_t>{3, 0, 4, 7}));
}

TEST(JsonList, WhatNobodyWroteIsRefused) {
  for (const char* bad : {"", "[", "{}", "[1]", "[\"a\"", "[\"a\" ,\"b\"]", "[\"a\",]", "[\"\\x\"]",
                          "[\"a\"\"b\"]", "[\"\\u1234\"]", "[\"\\\"]"}) {
    EXPECT_EQ(TextsFromJson(bad).status().code(), Code::kDataLoss) << bad;
  }
  for (const char* bad : {"[]", "{\"a\"}", "{\"a\":1}", "{\"a\":\"b\",}", "{\"a\" : \"b\"}"}) {
    EXPECT_EQ(PairsFromJson(bad).status().code(), Code::kDataLoss) << bad;
  }
  EXPECT_EQ(NumbersFromJson("[1,x]").status().code(), Code::kDataLoss);
  EXPECT_EQ(NumbersFromJson("[1.5]").status().code(), Code::kDataLoss);
}

}  // namespace
}  // namespace fusor
