#include "worker/process/fact_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "common/base/limits.h"
#include "tests/unit/worker/core/trace_text.h"
#include "worker/process/log_reader.h"

namespace fusor::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// Everything that is read, as text.
struct Collected {
  std::vector<std::string> said;
  FactReader reader{Sink()};

  FactSink Sink() {
    return {.fact =
                [this](FactBody body) {
                  Effects effects;
                  effects.persists.emplace_back(SpoolAppend{{}, {.number = 1, .body = body}});
                  said.push_back(Lines(effects).front().substr(std::string("append 0 #1 ").size()));
                },
            .files =
                [this](const FilesReported& files) {
                  std::string text = files.checkpoint ? "files checkpoint" : "files " + files.kind;
                  text += " " + std::to_string(files.step);
                  for (const std::string& name : files.names) text += " " + name;
                  said.push_back(text);
                },
            .failure =
                [this](Failure failure, const std::string& detail) {
                  said.push_back("failure " + std::string(FailureName(failure)) + " " + detail);
                },
            .final =
                [this](OutcomeKind kind, std::int64_t step, const std::string& detail) {
                  said.push_back(std::string("end ") +
                                 (kind == OutcomeKind::kReleased ? "released " : "succeeded ") +
                                 std::to_string(step) + (detail.empty() ? "" : " " + detail));
                },
            .bad_line = [this](std::string_view line,
                               std::string_view) { said.push_back("bad " + std::string(line)); }};
  }
};

std::vector<std::string> ReadAll(const std::string& text) {
  Collected collected;
  collected.reader.Read("{\"contract\":1}\n" + text, 1'000);
  collected.reader.Finish(1'000);
  return collected.said;
}

TEST(FactReader, ReadsEveryKindOfLine) {
  EXPECT_THAT(
      ReadAll(R"({"f":"started","resumed_from_step":500,"bit_exact":true,"info":{"isa":"avx2"}}
{"f":"progress","step":120,"steps":1000,"epoch":1,"phase":"train"}
{"f":"metrics","step":120,"t":1700000000123,"v":{"train/loss":2.5,"train/accuracy":"nan"}}
{"f":"columns","names":["a","b"],"steps":[1,2],"v":[[2.5,2.25],[1,"inf"]],"t":1700000000123}
{"f":"evaluation","step":500,"epoch":5,"v":{"val/loss":1.5}}
{"f":"checkpoint","step":500,"files":["checkpoint/state","b"]}
{"f":"artifact","kind":"model","name":"best/model.safetensors","step":400}
{"f":"failure","kind":"diverged","detail":"loss is nan at step 12"}
{"f":"final","step":1000,"outcome":"succeeded","more":[{}]}
{"f":"final","step":7,"outcome":"released"}
{"f":"final","step":8,"outcome":"succeeded","detail":"stopped early"}
)"),
      ElementsAre("started from=500 precision=", "progress 120/1000 train",
                  "metrics train/loss={120:2.5} train/accuracy={120:nan}",
                  "metrics a={1:2.5 2:2.25} b={1:1 2:inf}", "evaluation 500 val/loss=1.5",
                  "files checkpoint 500 checkpoint/state b",
                  "files model 400 best/model.safetensors",
                  "failure diverged loss is nan at step 12", "end succeeded 1000", "end released 7",
                  "end succeeded 8 stopped early"));
}

TEST(FactReader, PacksNeighbouringPointsOfTheSameNames) {
  EXPECT_THAT(ReadAll(R"({"f":"metrics","step":1,"v":{"a":1}}
{"f":"metrics","step":2,"v":{"a":2}}
{"f":"progress","step":2,"steps":9,"phase":"train"}
{"f":"metrics","step":3,"v":{"a":3}}
{"f":"metrics","step":4,"v":{"b":4}}
{"f":"metrics","step":5,"t":9000,"v":{"b":5}}
)"),
              ElementsAre("metrics a={1:1 2:2}", "progress 2/9 train", "metrics a={3:3}",
                          "metrics b={4:4}", "metrics b={5:5}"));
}

TEST(FactReader, ReadsTheSameHoweverTheBytesCome) {
  const std::string text =
      "{\"contract\":1}\n{\"f\":\"progress\",\"step\":1,\"steps\":2,\"phase\":\"load\"}\n"
      "oops\n{\"f\":\"final\",\"step\":2,\"outcome\":\"succeeded\"}";
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); second += 5) {
      Collected collected;
      collected.reader.Read(text.substr(0, first), 0);
      collected.reader.Read(text.substr(first, second - first), 0);
      collected.reader.Read(text.substr(second), 0);
      collected.reader.Finish(0);
      ASSERT_THAT(collected.said, ElementsAre("progress 1/2 load", "bad oops", "end succeeded 2"));
    }
  }
}

TEST(FactReader, WhatIsNoFactIsPassedOver) {
  EXPECT_THAT(ReadAll("hello\n{\"f\":\"dance\"}\n{\"f\":\"metrics\",\"v\":{}}\n"
                      "{\"f\":\"columns\",\"names\":[\"a\"],\"steps\":[1],\"v\":[[1,2]]}\n"
                      "{\"f\":\"metrics\",\"v\":{\"" +
                      std::string(300, 'n') +
                      "\":1}}\n"
                      "{\"f\":\"metrics\",\"v\":{\"\xFF\":1}}\n"
                      "{\"f\":\"final\",\"outcome\":\"maybe\"}\n"),
              testing::AllOf(testing::SizeIs(7), testing::Each(StartsWith("bad "))));
}

TEST(FactReader, ALineThatIsTooLongIsPassedOver) {
  const std::vector<std::string> said =
      ReadAll("{\"f\":\"" + std::string(3 << 20, 'x') +
              "\"}\n{\"f\":\"final\",\"outcome\":\"succeeded\"}\n");
  ASSERT_EQ(said.size(), 2u);
  EXPECT_THAT(said[0], StartsWith("bad "));
  EXPECT_EQ(said[1], "end succeeded 0");
}

TEST(FactReader, AnotherContractMeansNothingIsUnderstood) {
  for (const char* first : {"{\"contract\":2}\n", "hello\n", "{\"f\":\"progress\"}\n"}) {
    Collected collected;
    collected.reader.Read(first, 0);
    collected.reader.Read("{\"f\":\"final\",\"outcome\":\"succeeded\"}\n", 0);
    ASSERT_EQ(collected.said.size(), 2u) << first;
    EXPECT_THAT(collected.said[0], HasSubstr("contract"));
  }
}

TEST(LogReader, CutsLines) {
  LogReader reader(true);
  EXPECT_EQ(reader.Read("one\ntw", 0).text, "one\n");
  EXPECT_EQ(reader.Read("o\n\nthr", 0).text, "two\n\n");
  EXPECT_EQ(reader.Finish(0).text, "thr\n");
  EXPECT_THAT(reader.Finish(0).text, IsEmpty());
}

TEST(LogReader, LongLinesAreCutNotSplit) {
  LogReader reader(false);
  std::string text;
  for (int i = 0; i < 10; ++i) text += reader.Read(std::string(5'000, 'x'), 0).text;
  text += reader.Read("\nnext\n", 0).text;
  EXPECT_EQ(text, std::string(limits::kLogLineBytesMax, 'x') + "\nnext\n");
}

}  // namespace
}  // namespace fusor::agent
