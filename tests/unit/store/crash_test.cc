// What is left when the process is killed, or the disk is full, in the middle of its commits.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "coordinator/store/backup.h"
#include "coordinator/store/metrics_reader.h"
#include "coordinator/store/state_reader.h"
#include "coordinator/store/verify.h"
#include "tests/unit/store/store_fixture.h"

namespace fusor {
namespace {

// Everything that turn `number` writes: all of it is there after a crash, or nothing.
std::vector<Write> Turn(std::uint64_t number) {
  std::vector<Write> writes;
  if (number == 1) writes.emplace_back(SampleSweep(1));
  const TrialKey key = Key(1, 0, number);
  writes.emplace_back(SampleTrial(key, TrialState::kRunning));
  writes.emplace_back(SampleAttempt(number, key, 1, AttemptState::kRunning));
  writes.emplace_back(PutCursor{{number}, 0, 1});
  writes.emplace_back(SampleEvent(number, key));
  if (number > 3) {
    const TrialKey done = Key(1, 0, number - 3);
    writes.emplace_back(SampleTrial(done, TrialState::kSucceeded));
    writes.emplace_back(SampleAttempt(number - 3, done, 1, AttemptState::kEnded));
  }
  return writes;
}

std::vector<FactsForMetrics> MetricsTurn(std::uint64_t number) {
  const auto step = static_cast<std::int64_t>(number);
  return {
      {{1}, Key(1, 0, 1), 0, {{number, MetricsFact{{"loss", "lr"}, {step}, {{1.0}, {2.0}}, 5}}}},
      {{2}, Key(1, 0, 2), 0, {{number, LogFact{5, false, "line\n"}}}}};
}

// Runs `work` in a child that reports each finished turn by a byte, and kills it -9 after the byte
// number `kill_after`, at whatever it does then. Gives back how many turns it had reported at the
// end.
template <class Work>
std::uint64_t KilledAfter(std::uint64_t kill_after, Work work) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    work([&] { return ::write(ends[1], "x", 1) == 1; });
    ::_exit(0);
  }
  ::close(ends[1]);
  std::uint64_t reported = 0;
  char byte = 0;
  while (::read(ends[0], &byte, 1) == 1) {
    if (++reported == kill_after) ::kill(child, SIGKILL);
  }
  ::close(ends[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  return reported;
}

TEST(Crash, EveryReportedTurnOfStateIsThereAndNoneByHalf) {
  const TempDirectory directory;
  std::uint64_t last = 0;
  Random random(7);
  for (int round = 0; round < 12; ++round) {
    const std::uint64_t first = last + 1;
    const std::uint64_t reported = KilledAfter(1 + random.Below(40), [&](const auto& report_turn) {
      auto store = StateStore::Open({.directory = directory.path()});
      if (!store.ok()) return;
      for (std::uint64_t number = first;; ++number) {
        if (!(*store)->Commit(Turn(number)).ok() || !report_turn()) return;
      }
    });
    auto store = OpenState(directory);
    EXPECT_FALSE(store->was_clean());
    const Result<Snapshot> snapshot = store->Load(ParseSample);
    ASSERT_TRUE(snapshot.ok()) << snapshot.status().ToString();
    last = snapshot->last_attempt.value;
    EXPECT_GE(last, first + reported - 1);
    EXPECT_EQ(snapshot->last_event.value, last);
    EXPECT_EQ(snapshot->live_trials.size(), std::min<std::uint64_t>(last, 3));
    EXPECT_EQ(snapshot->live_attempts.size(), snapshot->live_trials.size());
    EXPECT_EQ(snapshot->sweeps[0].terminal.size() + snapshot->live_trials.size(), last);
  }
}

TEST(Crash, EveryReportedTurnOfMetricsIsThereOnce) {
  const TempDirectory directory;
  std::uint64_t last = 0;
  Random random(11);
  for (int round = 0; round < 12; ++round) {
    // Facts that were already committed come again: the cursor makes them count once.
    const std::uint64_t first = last > 2 ? last - 2 : 1;
    const std::uint64_t reported = KilledAfter(3 + random.Below(40), [&](const auto& report_turn) {
      auto store = MetricsStore::Open({.directory = directory.path()});
      if (!store.ok()) return;
      for (std::uint64_t number = first;; ++number) {
        if (!(*store)->Commit(MetricsTurn(number)).ok() || !report_turn()) return;
      }
    });
    auto store = OpenMetrics(directory);
    last = *store->Cursor({1}, 0);
    EXPECT_GE(last, first + reported - 1);
    EXPECT_EQ(*store->Cursor({2}, 0), last);
    const sql::Database beside = OpenBeside(directory, "metrics.db");
    EXPECT_EQ(*beside.QueryInt("SELECT count(*) FROM point"), static_cast<std::int64_t>(2 * last));
    EXPECT_EQ(*beside.QueryInt("SELECT count(*) FROM log"), static_cast<std::int64_t>(last));
    EXPECT_EQ(*beside.QueryInt("SELECT count(*) FROM series"), 2);
  }
}

// Lets no file of this process grow beyond `bytes`: what a full disk looks like to the writer.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::uint64_t bytes) {
    EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &before_), 0);
    handler_ = ::signal(SIGXFSZ, SIG_IGN);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  sighandler_t handler_ = nullptr;
};

TEST(FullDisk, StateRefusesTheTurnWholeAndTakesItWhenThereIsSpace) {
  const TempDirectory directory;
  auto store = OpenState(directory);
  ASSERT_TRUE(store->Commit(Turn(1)).ok());
  std::uint64_t number = 1;
  Status status;
  {
    const FileSizeLimit limit(1 << 20);
    while (status.ok() && number < 10'000) status = store->Commit(Turn(++number));
    EXPECT_EQ(status.code(), Code::kResourceExhausted) << status.ToString();
    EXPECT_EQ(store->Commit(Turn(number)).code(), Code::kResourceExhausted);
    EXPECT_EQ(store->Load(ParseSample)->last_attempt.value, number - 1);
  }
  EXPECT_TRUE(store->Commit(Turn(number)).ok());
  EXPECT_EQ(store->Load(ParseSample)->last_attempt.value, number);
  store.reset();
  EXPECT_EQ(OpenState(directory)->Load(ParseSample)->last_attempt.value, number);
}

TEST(FullDisk, MetricsKeepTheCursorWhereItWas) {
  const TempDirectory directory;
  auto store = OpenMetrics(directory);
  std::uint64_t number = 0;
  {
    const FileSizeLimit limit(1 << 20);
    Status status;
    while (status.ok() && number < 10'000) status = store->Commit(MetricsTurn(++number));
    EXPECT_EQ(status.code(), Code::kResourceExhausted) << status.ToString();
    EXPECT_EQ(*store->Cursor({1}, 0), number - 1);
  }
  EXPECT_TRUE(store->Commit(MetricsTurn(number)).ok());
  EXPECT_EQ(*store->Cursor({1}, 0), number);
  const sql::Database beside = OpenBeside(directory, "metrics.db");
  EXPECT_EQ(*beside.QueryInt("SELECT count(*) FROM point"), static_cast<std::int64_t>(2 * number));
}

TEST(FullDisk, ABackupThatDoesNotFitIsNotTakenForOne) {
  const TempDirectory directory;
  const TempDirectory elsewhere;
  auto state = OpenState(directory);
  auto metrics = OpenMetrics(directory);
  std::vector<Write> writes = {SampleSweep(1)};
  for (std::uint64_t cell = 0; cell < 2'000; ++cell) {
    writes.emplace_back(SampleTrial(Key(1, 0, cell), TrialState::kReady));
  }
  ASSERT_TRUE(state->Commit(writes).ok());
  const std::filesystem::path to = elsewhere.path() / "backup";
  {
    const FileSizeLimit limit(64 << 10);
    const auto backup = Backup({.data = directory.path(), .destination = to});
    ASSERT_FALSE(backup.ok());
    EXPECT_EQ(backup.status().code(), Code::kResourceExhausted) << backup.status().ToString();
  }
  EXPECT_EQ(Restore({.backup = to, .data = elsewhere.path() / "data"}).status().code(),
            Code::kFailedPrecondition);
}

}  // namespace
}  // namespace fusor
