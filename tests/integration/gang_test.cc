// Trials of several ranks with real processes: all start or none, the first rank speaks for all,
// and one rank lost is the whole attempt lost.

#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <vector>

#include "tests/harness/wait.h"
#include "tests/integration/cluster.h"
#include "tests/integration/trials.h"

namespace fusor::integration {
namespace {

using harness::WaitUntil;

std::string Gang(const std::string& params, const std::string& spread) {
  return "name: gang\nobjective: {metric: val/accuracy, goal: maximize}\n"
         "resources: {device: cpu, slots: 2, spread: " +
         spread + "}\nstages:\n  s:\n    recipe: probe\n    params: {" + params + "}\n";
}

// The first rank has told every step once, and nobody else has told any.
void ExpectOneVoice(const Cluster& cluster, int steps) {
  EXPECT_EQ(
      cluster.Sql("metrics.db",
                  "SELECT count(*) || ' ' || count(DISTINCT step) FROM trial_point WHERE name "
                  "= 'train/loss' AND NOT superseded"),
      std::to_string(steps) + " " + std::to_string(steps));
  EXPECT_EQ(cluster.Sql("metrics.db",
                        "SELECT count(*) FROM series WHERE rank <> 0 AND name NOT "
                        "LIKE 'system/%'"),
            "0");
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM artifact WHERE kind = 'model'"), "1");
}

TEST(Gang, StartsOnTwoWorkersOrNotAtAll) {
  Cluster cluster;
  const auto first = cluster.StartAgent("a", 1);
  const std::string sweep =
      cluster.Submit(Gang("steps: 60, step_ms: 10, checkpoint_every: 10", "any"));
  // With one slot nothing of it starts, though others may.
  const std::string single = cluster.Submit(ProbeSweep("single", "steps: 1"));
  ASSERT_TRUE(cluster.WaitEnded(single, 1, 60)) << first->Log();
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM attempt WHERE sweep = " + sweep), "0");
  const Output why = cluster.Fusor({"explain", sweep + ".s.0"});
  EXPECT_NE(why.out.find("needed are 2 cpu slots"), std::string::npos) << why.out;

  const auto second = cluster.StartAgent("b", 1);
  ASSERT_TRUE(WaitUntil([&] { return !first->Trials().empty() && !second->Trials().empty(); }, 30))
      << first->Log() << second->Log();
  ASSERT_TRUE(cluster.WaitEnded(sweep, 1, 60)) << first->Log() << second->Log();
  EXPECT_EQ(cluster.Sql("state.db",
                        "SELECT a.slot_count || ' ' || count(DISTINCT w.value ->> 0) FROM attempt "
                        "AS a, json_each(a.slots) AS w WHERE a.sweep = " +
                            sweep),
            "2 2");
  EXPECT_EQ(cluster.Sql("state.db", "SELECT state FROM trial WHERE sweep = " + sweep), "succeeded");
  EXPECT_TRUE(WaitUntil([&] { return first->Trials().empty() && second->Trials().empty(); }, 30));
  EXPECT_EQ(cluster.Sql("metrics.db",
                        "SELECT count(*) FROM trial_point WHERE name = 'train/loss' "
                        "AND sweep = " +
                            sweep),
            "60");
}

TEST(Gang, OneRankSpeaksForAllOfAWorker) {
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 2);
  const std::string sweep =
      cluster.Submit(Gang("steps: 50, step_ms: 5, checkpoint_every: 10", "one_worker"));
  ASSERT_TRUE(WaitUntil([&] { return agent->Trials().size() == 2; }, 30)) << agent->Log();
  ASSERT_TRUE(cluster.WaitEnded(sweep, 1, 60)) << agent->Log();
  ExpectEachSucceededOnce(cluster, sweep, 1);
  ExpectOneVoice(cluster, 50);
}

TEST(Gang, ARankKilledEndsTheWholeAttempt) {
  Cluster cluster;
  const auto first = cluster.StartAgent("a", 1);
  const auto second = cluster.StartAgent("b", 1);
  const std::string sweep =
      cluster.Submit(Gang("steps: 200, step_ms: 10, checkpoint_every: 10", "any"));
  ASSERT_TRUE(cluster.WaitSql(
      "state.db", "SELECT count(*) > 0 FROM artifact WHERE kind = 'checkpoint'", "1", 60))
      << first->Log() << second->Log();
  // Whichever it is, the rank that is not the first, then the first.
  const bool first_leads =
      cluster.Sql("state.db",
                  "SELECT w.name FROM attempt AS a JOIN worker AS w ON w.id = a.worker") == "a";
  Agent& leader = first_leads ? *first : *second;
  Agent& follower = first_leads ? *second : *first;
  ASSERT_EQ(leader.Trials().size(), 1U);
  ASSERT_EQ(follower.Trials().size(), 1U);
  const pid_t survivor = leader.Trials()[0];
  ASSERT_EQ(::kill(follower.Trials()[0], SIGKILL), 0);
  EXPECT_TRUE(WaitUntil([&] { return ::kill(survivor, 0) != 0; }, 30)) << leader.Log();
  ASSERT_TRUE(
      cluster.WaitSql("state.db", "SELECT state FROM attempt WHERE number = 2", "running", 60));
  EXPECT_EQ(cluster.Sql("state.db", "SELECT failure || ' ' || code FROM attempt WHERE number = 1"),
            "crashed(signal) 9");
  EXPECT_EQ(cluster.Sql("state.db", "SELECT resumed_from_step > 0 FROM attempt WHERE number = 2"),
            "1");
  ASSERT_TRUE(WaitUntil([&] { return leader.Trials().size() == 1; }, 30));
  ASSERT_EQ(::kill(leader.Trials()[0], SIGKILL), 0);
  ASSERT_TRUE(cluster.WaitEnded(sweep, 1, 60)) << first->Log() << second->Log();
  ExpectEachSucceededOnce(cluster, sweep, 1);
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM attempt"), "3");
  ExpectOneVoice(cluster, 200);
}

}  // namespace
}  // namespace fusor::integration
