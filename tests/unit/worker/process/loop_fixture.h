#pragma once

// A loop that a test runs until what it waits for has happened, or a deadline.

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "tests/unit/worker/temp_dir.h"
#include "worker/process/child_watch.h"
#include "worker/system/loop.h"

namespace fusor::agent {

class LoopFixture : public ::testing::Test {
 protected:
  LoopFixture() {
    auto loop = Loop::Create();
    EXPECT_TRUE(loop.ok());
    loop_ = std::move(*loop);
    auto children = ChildWatch::Create(*loop_);
    EXPECT_TRUE(children.ok());
    children_ = std::move(*children);
  }

  bool WaitFor(const std::function<bool()>& reached) {
    const Time deadline = loop_->Now() + Duration(30'000);
    loop_->SetTurn([&] {
      if (reached() || loop_->Now() > deadline) loop_->Stop();
      return loop_->Now() + Duration(20);
    });
    loop_->Run();
    loop_->SetTurn({});
    return reached();
  }

  TempDir dir_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<ChildWatch> children_;
};

}  // namespace fusor::agent
