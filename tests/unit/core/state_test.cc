// Which moves are legal, and that every state has a name of its own.

#include "coordinator/core/state.h"

#include <gtest/gtest.h>

#include <set>

namespace fusor {
namespace {

constexpr TrialState kTrials[] = {
    TrialState::kBlocked, TrialState::kReady,    TrialState::kRunning, TrialState::kSucceeded,
    TrialState::kFailed,  TrialState::kCanceled, TrialState::kSkipped};

TEST(StateTest, SucceededIsForGood) {
  for (const TrialState to : kTrials) EXPECT_FALSE(CanMove(TrialState::kSucceeded, to));
}

TEST(StateTest, OnlyGrantedTrialsSucceedOrFail) {
  for (const TrialState from : kTrials) {
    EXPECT_EQ(CanMove(from, TrialState::kSucceeded), from == TrialState::kRunning);
    EXPECT_EQ(CanMove(from, TrialState::kFailed), from == TrialState::kRunning);
  }
}

TEST(StateTest, OnlyReadyTrialsRun) {
  for (const TrialState from : kTrials) {
    EXPECT_EQ(CanMove(from, TrialState::kRunning), from == TrialState::kReady);
  }
}

TEST(StateTest, NoStateMovesToItself) {
  for (const TrialState state : kTrials) EXPECT_FALSE(CanMove(state, state));
}

TEST(StateTest, RetriedTrialsWaitAgain) {
  for (const TrialState from : {TrialState::kFailed, TrialState::kCanceled, TrialState::kSkipped}) {
    EXPECT_TRUE(CanMove(from, TrialState::kReady));
    EXPECT_TRUE(CanMove(from, TrialState::kBlocked));
    EXPECT_FALSE(CanMove(from, TrialState::kRunning));
  }
}

TEST(StateTest, EndedAttemptsStayEnded) {
  for (const AttemptState from : {AttemptState::kEnded, AttemptState::kLost}) {
    for (const AttemptState to : {AttemptState::kGranted, AttemptState::kRunning,
                                  AttemptState::kEnded, AttemptState::kLost}) {
      EXPECT_FALSE(CanMove(from, to));
    }
  }
}

TEST(StateTest, NamesDiffer) {
  std::set<std::string_view> names;
  for (const TrialState state : kTrials) names.insert(Name(state));
  EXPECT_EQ(names.size(), std::size(kTrials));
}

}  // namespace
}  // namespace fusor
