// The small parts: clocks, addresses, durations, token, ids in text, histogram, health, calls.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "coordinator/server/address.h"
#include "coordinator/server/calls.h"
#include "coordinator/server/clock.h"
#include "coordinator/server/files.h"
#include "coordinator/server/guard.h"
#include "coordinator/server/live_table.h"
#include "coordinator/server/options.h"
#include "coordinator/server/stats.h"
#include "coordinator/server/trial_text.h"

namespace fusor {
namespace {

using std::chrono::milliseconds;

class FakeClock : public Clock {
 public:
  Time Now() const override { return now; }
  Time now = FromUnixMillis(1'000'000);
};

class Directory {
 public:
  Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "fusor_XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Directory() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

TEST(LoopClock, StandsStillWhileFrozenAndCatchesUp) {
  FakeClock clock;
  LoopClock loop(clock);
  const Time start = loop.Now();
  loop.Freeze();
  clock.now += milliseconds(10'000);
  EXPECT_EQ(loop.Now(), start);
  loop.Thaw();
  EXPECT_EQ(loop.Now(), start);
  clock.now += milliseconds(4'000);
  EXPECT_EQ(loop.Now(), start + milliseconds(5'000));
  clock.now += milliseconds(100'000);
  EXPECT_EQ(loop.Now(), clock.now);
}

TEST(LoopClock, NeverGoesBack) {
  FakeClock clock;
  LoopClock loop(clock);
  Time last = loop.Now();
  for (int i = 0; i < 1000; ++i) {
    if (i % 7 == 0) loop.Freeze();
    if (i % 7 == 3) loop.Thaw();
    clock.now += milliseconds(i % 13);
    const Time now = loop.Now();
    EXPECT_GE(now, last);
    EXPECT_LE(now, clock.now);
    last = now;
  }
}

TEST(Address, Parses) {
  EXPECT_EQ(ParseAddress("127.0.0.1:80", 7070).value(), (Address{"127.0.0.1", 80}));
  EXPECT_EQ(ParseAddress("10.0.0.2", 7070).value(), (Address{"10.0.0.2", 7070}));
  EXPECT_EQ(ParseAddress(":0", 7070).value(), (Address{"127.0.0.1", 0}));
  EXPECT_EQ(ParseAddress("localhost", 1).value(), (Address{"127.0.0.1", 1}));
  EXPECT_EQ(ParseAddress("[::1]:5", 1).value(), (Address{"::1", 5}));
  EXPECT_EQ(ParseAddress("::1", 1).value(), (Address{"::1", 1}));
  EXPECT_EQ(ParseAddress("[::1]", 1)->ToString(), "[::1]:1");
  for (const char* bad :
       {"host", "1.2.3", "127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:x", "[::1", "[::1]x"}) {
    EXPECT_FALSE(ParseAddress(bad, 1).ok()) << bad;
  }
  EXPECT_TRUE(IsLoopback({"127.3.2.1", 0}));
  EXPECT_TRUE(IsLoopback({"::1", 0}));
  EXPECT_FALSE(IsLoopback({"0.0.0.0", 0}));
}

TEST(Options, Durations) {
  EXPECT_EQ(ParseDuration("500ms").value(), Duration(500));
  EXPECT_EQ(ParseDuration("1.5").value(), Duration(1500));
  EXPECT_EQ(ParseDuration("2m").value(), Duration(120'000));
  EXPECT_EQ(ParseDuration("1h").value(), Duration(3'600'000));
  for (const char* bad : {"", "s", "-1s", "5 s", "3d", "nan", "1e300s"}) {
    EXPECT_FALSE(ParseDuration(bad).ok()) << bad;
  }
}

Result<Command> Parse(std::vector<const char*> words) {
  words.insert(words.begin(), "fusord");
  return ParseCommandLine(static_cast<int>(words.size()), words.data());
}

TEST(Options, ServeByDefault) {
  const auto command =
      Parse({"--data", "d", "--listen", "127.0.0.1:9000", "--lease", "2s", "--heartbeat", "500ms"});
  ASSERT_TRUE(command.ok()) << command.status().ToString();
  const auto& serve = std::get<ServeOptions>(*command);
  EXPECT_EQ(serve.data, "d");
  EXPECT_EQ(serve.listen, (Address{"127.0.0.1", 9000}));
  EXPECT_EQ(serve.http, (Address{"127.0.0.1", 9001}));
  EXPECT_EQ(serve.lease_length, Duration(2000));
  const auto any = Parse({"--data", "d", "--listen", "127.0.0.1:0"});
  EXPECT_EQ(std::get<ServeOptions>(*any).http.port, 0);
}

TEST(Options, RefusesToListenBeyondThisMachineInClearText) {
  const auto refused = Parse({"--data", "d", "--listen", "0.0.0.0"});
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.status().message().find("--insecure"), std::string::npos);
  EXPECT_FALSE(Parse({"--data", "d", "--http", "10.1.1.1:80"}).ok());
  EXPECT_TRUE(Parse({"--data", "d", "--listen", "0.0.0.0", "--insecure"}).ok());
}

TEST(Options, OtherCommands) {
  const auto backup = Parse({"backup", "to", "--artifacts", "--data", "d"});
  ASSERT_TRUE(backup.ok()) << backup.status().ToString();
  EXPECT_EQ(std::get<BackupOptions>(*backup).destination, "to");
  EXPECT_EQ(std::get<BackupOptions>(*backup).data, "d");
  EXPECT_TRUE(std::get<BackupOptions>(*backup).with_artifacts);
  EXPECT_EQ(std::get<RestoreOptions>(*Parse({"restore", "b", "--data", "d"})).backup, "b");
  EXPECT_TRUE(std::get<VerifyOptions>(*Parse({"verify", "--deep", "--data", "d"})).deep);
  EXPECT_FALSE(Parse({"--lease", "1s", "--heartbeat", "1s"}).ok());
  EXPECT_FALSE(Parse({"--nonsense"}).ok());
}

TEST(Guard, TokenIsMadeOnceAndAsked) {
  const Directory directory;
  const auto token = LoadOrMakeToken(directory.path);
  ASSERT_TRUE(token.ok()) << token.status().ToString();
  EXPECT_EQ(token->size(), 64U);
  EXPECT_EQ(LoadOrMakeToken(directory.path).value(), *token);
  struct stat info {};
  ASSERT_EQ(::stat((directory.path / "token").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);

  Stats stats;
  const Guard guard(*token, stats);
  EXPECT_TRUE(guard.Allows("Bearer " + *token));
  EXPECT_FALSE(guard.Allows(""));
  EXPECT_FALSE(guard.Allows("Bearer "));
  EXPECT_FALSE(guard.Allows(*token));
  std::string wrong = "Bearer " + *token;
  wrong.back() = wrong.back() == '0' ? '1' : '0';
  EXPECT_FALSE(guard.Allows(wrong));
  EXPECT_EQ(stats.calls_unauthenticated.load(), 4U);
}

TEST(Guard, AnEmptyTokenFileIsRefused) {
  const Directory directory;
  std::ofstream(directory.path / "token") << "\n";
  EXPECT_FALSE(LoadOrMakeToken(directory.path).ok());
}

TEST(Files, EndpointIsKeyEqualsValue) {
  const Directory directory;
  ASSERT_TRUE(WriteEndpoint(directory.path, {"127.0.0.1:1", "127.0.0.1:2", 42}).ok());
  EXPECT_EQ(ReadSmallFile(directory.path / "endpoint", 1000).value(),
            "grpc=127.0.0.1:1\nhttp=127.0.0.1:2\npid=42\n");
  EXPECT_FALSE(std::filesystem::exists(directory.path / "endpoint.tmp"));
  EXPECT_EQ(ReadSmallFile(directory.path / "none", 10).status().code(), Code::kNotFound);
  EXPECT_FALSE(ReadSmallFile(directory.path / "endpoint", 3).ok());
}

TEST(TrialTextTest, ParsesAndFindsStages) {
  EXPECT_EQ(ParseTrialText("7.experts.3").value(), (TrialText{"7", "experts", 3}));
  EXPECT_EQ(ParseTrialText("last.a.b.0").value(), (TrialText{"last", "a.b", 0}));
  for (const char* bad : {"", "7", "7.3", "7.experts.", "7.experts.x", ".experts.3", "7..3"}) {
    EXPECT_FALSE(ParseTrialText(bad).ok()) << bad;
  }
  const std::vector<std::string> names = {"experts", "expand", "fusion"};
  EXPECT_EQ(FindStage(names, "fusion").value(), 2U);
  EXPECT_EQ(FindStage(names, "f").value(), 2U);
  EXPECT_EQ(FindStage(names, "1").value(), 1U);
  EXPECT_EQ(FindStage(names, "exp").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(FindStage(names, "fusoin").status().code(), Code::kNotFound);
  EXPECT_EQ(TrialIdText({7}, "experts", 3), "7.experts.3");
  EXPECT_EQ(ParseSweepText("12").value(), SweepId{12});
  EXPECT_EQ(ParseSweepText("last").value(), std::nullopt);
  EXPECT_FALSE(ParseSweepText("-1").ok());
}

TEST(HistogramTest, CountsByUpperBound) {
  Histogram histogram;
  histogram.Add(std::chrono::microseconds(100));
  histogram.Add(std::chrono::microseconds(101));
  histogram.Add(std::chrono::hours(1));
  EXPECT_EQ(histogram.count(0), 1U);
  EXPECT_EQ(histogram.count(1), 1U);
  EXPECT_EQ(histogram.count(Histogram::kBuckets - 1), 1U);
}

TEST(HealthTest, EachPartHasItsReason) {
  Health health;
  EXPECT_TRUE(health.serving());
  health.Set(Health::Part::kState, "a");
  health.Set(Health::Part::kMetrics, "b");
  EXPECT_EQ(health.Reason(), "a; b");
  health.Set(Health::Part::kState, "");
  EXPECT_FALSE(health.serving());
  health.Set(Health::Part::kMetrics, "");
  EXPECT_TRUE(health.serving());
}

TEST(CallsTest, EachCallIsAnsweredOnce) {
  Calls calls;
  int answered = 0;
  const CallId first = calls.NewId();
  calls.Add(first, [&](const Reply& reply) {
    EXPECT_EQ(reply.count, 3U);
    ++answered;
  });
  calls.Finish({first, Ok(), {}, 3});
  calls.Finish({first, Ok(), {}, 3});
  EXPECT_EQ(answered, 1);
  const CallId second = calls.NewId();
  EXPECT_NE(second, first);
  calls.Add(second, [&](const Reply& reply) {
    EXPECT_EQ(reply.status.code(), Code::kUnavailable);
    ++answered;
  });
  calls.FailAll(Unavailable("frozen"));
  calls.Finish({second, Ok(), {}, 0});
  EXPECT_EQ(answered, 2);
  // One that is still being prepared is nobody's to answer.
  const CallId third = calls.NewId();
  calls.FailAll(Unavailable("frozen"));
  calls.Add(third, [&](const Reply& reply) {
    EXPECT_EQ(reply.count, 5U);
    ++answered;
  });
  calls.Finish({third, Ok(), {}, 5});
  EXPECT_EQ(answered, 3);
}

TEST(LiveTableTest, KeepsProgressRateAndSystemFigures) {
  LiveTable table;
  Time now = FromUnixMillis(1'000'000);
  MetricsBatch batch;
  batch.fence = std::make_shared<AttemptFence>();
  batch.facts = {{4}, {{1}, 0, 2}, 0, {{1, ProgressFact{10, 100, 0, "train"}}}};
  table.Add({batch}, now);
  now += milliseconds(2'000);
  batch.facts.facts = {{2, ProgressFact{50, 100, 1, "train"}},
                       {3, MetricsFact{{"system/gpu", "loss"}, {50}, {{0.9}, {1.0}}, 0}}};
  table.Add({batch}, now);
  const auto live = table.Find({4});
  ASSERT_TRUE(live);
  EXPECT_EQ(live->progress.step, 50);
  EXPECT_DOUBLE_EQ(live->steps_per_second, 20);
  EXPECT_EQ(live->system, (std::map<std::string, double>{{"gpu", 0.9}}));
  table.Remove(std::vector<AttemptId>{{4}});
  EXPECT_FALSE(table.Find({4}));
}

}  // namespace
}  // namespace fusor
