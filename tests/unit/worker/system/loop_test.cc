#include "worker/system/loop.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <thread>

namespace fusor::agent {
namespace {

std::unique_ptr<Loop> MakeLoop() {
  auto loop = Loop::Create();
  EXPECT_TRUE(loop.ok());
  return std::move(*loop);
}

TEST(Loop, RunsTimersInOrderAndNotCanceledOnes) {
  const auto loop = MakeLoop();
  std::string order;
  const Time now = loop->Now();
  loop->At(now + Duration(4), [&] { order += 'b'; });
  const std::uint64_t canceled = loop->At(now + Duration(3), [&] { order += 'x'; });
  loop->At(now + Duration(2), [&] { order += 'a'; });
  loop->At(now + Duration(6), [&] { loop->Stop(); });
  loop->Cancel(canceled);
  loop->Run();
  EXPECT_EQ(order, "ab");
}

TEST(Loop, RunsWhatOtherThreadsPost) {
  const auto loop = MakeLoop();
  int count = 0;
  std::thread other([&] {
    for (int i = 0; i < 10'000; ++i) loop->Post([&] { ++count; });
    loop->Post([&] { loop->Stop(); });
  });
  loop->Run();
  other.join();
  EXPECT_EQ(count, 10'000);
}

TEST(Loop, ACallbackMayRemoveItselfAndOthersOfTheSameRound) {
  const auto loop = MakeLoop();
  int ends[2][2];
  ASSERT_EQ(pipe(ends[0]), 0);
  ASSERT_EQ(pipe(ends[1]), 0);
  int calls = 0;
  for (auto& end : ends) {
    ASSERT_EQ(write(end[1], "x", 1), 1);
    loop->Watch(end[0], EPOLLIN, [&](std::uint32_t) {
      ++calls;
      for (auto& each : ends) loop->Unwatch(each[0]);
      loop->Stop();
    });
  }
  loop->Run();
  EXPECT_EQ(calls, 1);
  for (auto& end : ends) {
    close(end[0]);
    close(end[1]);
  }
}

TEST(Loop, TheTurnRunsAfterEachRoundAndWhenItAskedTo) {
  const auto loop = MakeLoop();
  int turns = 0;
  loop->SetTurn([&] {
    if (++turns == 3) loop->Stop();
    return loop->Now() + Duration(1);
  });
  loop->Run();
  EXPECT_EQ(turns, 3);
}

}  // namespace
}  // namespace fusor::agent
