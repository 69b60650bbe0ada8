// The write-ahead log: it starts over by itself, and who keeps it from doing so has a name.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "coordinator/store/checkpointer.h"
#include "coordinator/store/reader_pool.h"
#include "coordinator/store/state_schema.h"
#include "coordinator/store/wal_readers.h"
#include "tests/unit/store/store_fixture.h"

namespace fusor {
namespace {

// A table in WAL mode that a checkpointer watches.
class WalTest : public testing::Test {
 protected:
  sql::Database Create() {
    Result<sql::Database> database =
        sql::Database::Open(directory_.path() / "x.db", sql::Access::kCreate);
    EXPECT_TRUE(database.ok());
    EXPECT_TRUE(database
                    ->Execute("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;"
                              "CREATE TABLE t (a INTEGER NOT NULL, b TEXT NOT NULL) STRICT")
                    .ok());
    return std::move(database).value();
  }

  void Write(int commits) {
    for (int i = 0; i < commits; ++i) {
      const Status status =
          database_.Execute("INSERT INTO t VALUES (1, '" + std::string(20'000, 'x') + "')");
      ASSERT_TRUE(status.ok()) << status.ToString();
      checkpointer_.AfterCommit();
    }
  }

  const TempDirectory directory_;
  const sql::Database database_ = Create();
  Checkpointer checkpointer_{database_, 100};
};

TEST_F(WalTest, StartsOverWhenNobodyReads) {
  for (int i = 0; i < 20; ++i) {
    Write(20);
    EXPECT_GT(checkpointer_.wal_bytes(), 0U);
    EXPECT_LT(checkpointer_.wal_bytes(), 200U * 5'000);
  }
  EXPECT_TRUE(checkpointer_.last_error().ok());
}

TEST_F(WalTest, GrowsUnderAReaderAndStartsOverWhenItIsDone) {
  Write(1);
  const sql::Database reader = OpenBeside(directory_, "x.db");
  ASSERT_TRUE(reader.Execute("BEGIN; SELECT count(*) FROM t").ok());
  Write(200);
  EXPECT_GT(checkpointer_.wal_bytes(), 1'000U * 4'000);
  ASSERT_TRUE(reader.Execute("COMMIT").ok());
  Write(60);
  EXPECT_LT(checkpointer_.wal_bytes(), 400U * 5'000);
}

TEST_F(WalTest, ForeignReadersAreNamed) {
  Write(1);
  EXPECT_TRUE(ForeignReaders(directory_.path() / "x.db").empty());
  int ready[2];
  int done[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(done), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(done[1]);
    const auto reader = sql::Database::Open(directory_.path() / "x.db", sql::Access::kRead);
    char byte = 'x';
    if (reader.ok() && reader->Execute("BEGIN; SELECT count(*) FROM t").ok()) {
      (void)!::write(ready[1], &byte, 1);
      (void)!::read(done[0], &byte, 1);
    }
    ::_exit(0);
  }
  ::close(ready[1]);
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  const std::vector<std::string> names = ForeignReaders(directory_.path() / "x.db");
  EXPECT_THAT(names, testing::ElementsAre(testing::HasSubstr(std::to_string(child))));
  ::close(done[1]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(ForeignReaders(directory_.path() / "x.db").empty());
}

TEST(ReaderPool, NamesItsOwnLongReads) {
  const TempDirectory directory;
  auto store = OpenState(directory);
  const auto pool = std::move(ReaderPool::Open(StateFormat(), store->read_door(), 2)).value();
  EXPECT_TRUE(pool->LongReads(Duration(0)).empty());
  {
    const auto lease = pool->Take("ListTrials");
    EXPECT_THAT(pool->LongReads(Duration(0)),
                testing::ElementsAre(testing::HasSubstr("ListTrials")));
    EXPECT_TRUE(pool->LongReads(Duration(3'600'000)).empty());
  }
  EXPECT_TRUE(pool->LongReads(Duration(0)).empty());
}

}  // namespace
}  // namespace fusor
