#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/limits.h"
#include "worker/core/task.h"

namespace fusor::agent {
namespace {

using testing::ElementsAre;

TEST(LogTail, KeepsTheLastFiftyLinesHoweverTheyCome) {
  std::string all;
  for (int i = 1; i <= 130; ++i) all += "line " + std::to_string(i) + "\n";
  std::vector<LogTail> tails(3);
  tails[0].Add(all);
  for (int i = 1; i <= 130; ++i) tails[1].Add("line " + std::to_string(i) + "\n");
  tails[2].Add(all.substr(0, all.find("line 90\n")));
  tails[2].Add(all.substr(all.find("line 90\n")));
  for (const LogTail& tail : tails) {
    ASSERT_EQ(tail.lines().size(), limits::kLogTailLines);
    for (std::size_t i = 0; i < tail.lines().size(); ++i) {
      EXPECT_EQ(tail.lines()[i], "line " + std::to_string(81 + i));
    }
  }
}

TEST(LogTail, CutsLongLines) {
  LogTail tail;
  tail.Add(std::string(100'000, 'x') + "\n\nend\n");
  EXPECT_THAT(tail.lines(), ElementsAre(std::string(2'048, 'x'), "", "end"));
}

}  // namespace
}  // namespace fusor::agent
