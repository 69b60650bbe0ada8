// What Open refuses, and with which words.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "coordinator/store/database_file.h"
#include "coordinator/store/state_reader.h"
#include "tests/unit/store/store_fixture.h"

namespace fusor {
namespace {

using testing::HasSubstr;

Status OpenError(const TempDirectory& directory) {
  return StateStore::Open({.directory = directory.path()}).status();
}

void CloseCleanly(const TempDirectory& directory) {
  auto store = OpenState(directory);
  EXPECT_TRUE(store->Close().ok());
}

TEST(Open, ASecondDaemonIsToldWhoHoldsTheDirectory) {
  const TempDirectory directory;
  auto store = OpenState(directory);
  const Status status = OpenError(directory);
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("in use by process " + std::to_string(::getpid())));
  EXPECT_THAT(status.message(), HasSubstr("--data"));
  store.reset();
  EXPECT_TRUE(OpenError(directory).ok());
}

TEST(Open, ANewerSchemaIsRefused) {
  const TempDirectory directory;
  CloseCleanly(directory);
  ASSERT_TRUE(OpenBeside(directory, "state.db").Execute("PRAGMA user_version = 99").ok());
  const Status status = OpenError(directory);
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("schema version 99"));
  EXPECT_THAT(status.message(), HasSubstr("newer fusord"));
}

TEST(Open, ADatabaseOfAnotherProgramIsRefused) {
  const TempDirectory directory;
  {
    Result<sql::Database> other =
        sql::Database::Open(directory.path() / "state.db", sql::Access::kCreate);
    ASSERT_TRUE(other.ok());
    ASSERT_TRUE(other->Execute("CREATE TABLE notes (text TEXT)").ok());
  }
  const Status status = OpenError(directory);
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("another program"));
}

TEST(Open, AFileThatIsNoDatabaseIsRefused) {
  const TempDirectory directory;
  std::ofstream(directory.path() / "state.db") << std::string(10'000, 'x');
  const Status status = OpenError(directory);
  EXPECT_EQ(status.code(), Code::kDataLoss);
  EXPECT_THAT(status.message(), HasSubstr("restore a backup"));
}

// Overwrites the middle of every page but the first.
void Damage(const std::filesystem::path& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto size = static_cast<std::streamoff>(std::filesystem::file_size(path));
  for (std::streamoff page = 8'192; page < size; page += 8'192) {
    file.seekp(page + 8);
    file << std::string(4'000, '\xee');
  }
}

TEST(Open, DamageIsFoundAfterAnUncleanStop) {
  const TempDirectory directory;
  {
    auto store = OpenState(directory);
    std::vector<Write> writes = {SampleSweep(1)};
    for (std::uint64_t cell = 0; cell < 500; ++cell) {
      writes.emplace_back(SampleTrial(Key(1, 0, cell), TrialState::kReady));
    }
    ASSERT_TRUE(store->Commit(writes).ok());
  }
  Damage(directory.path() / "state.db");
  const Status status = OpenError(directory);
  EXPECT_EQ(status.code(), Code::kDataLoss) << status.ToString();
  EXPECT_THAT(status.message(), HasSubstr("fusord restore"));
}

TEST(Open, AnUndamagedFileIsTakenUpAfterAnUncleanStop) {
  const TempDirectory directory;
  { auto store = OpenState(directory); }
  auto store = OpenState(directory);
  EXPECT_FALSE(store->was_clean());
}

TEST(Open, AForeignLockDelaysAndDoesNotFail) {
  const TempDirectory directory;
  auto store = OpenState(directory);
  const sql::Database foreign = OpenBeside(directory, "state.db");
  ASSERT_TRUE(foreign.Execute("BEGIN IMMEDIATE").ok());
  const std::vector<Write> writes = {SampleSweep(1)};
  const Status busy = store->Commit(writes);
  EXPECT_EQ(busy.code(), Code::kUnavailable) << busy.ToString();
  ASSERT_TRUE(foreign.Execute("COMMIT").ok());
  EXPECT_TRUE(store->Commit(writes).ok());
  EXPECT_EQ(store->Load(ParseSample)->sweeps.size(), 1U);
}

TEST(Open, AForeignReaderNeitherDelaysNorBlocks) {
  const TempDirectory directory;
  auto store = OpenState(directory);
  const sql::Database foreign = OpenBeside(directory, "state.db");
  ASSERT_TRUE(foreign.Execute("BEGIN; SELECT count(*) FROM sweep").ok());
  const std::vector<Write> writes = {SampleSweep(1)};
  EXPECT_TRUE(store->Commit(writes).ok());
  EXPECT_EQ(*foreign.QueryInt("SELECT count(*) FROM sweep"), 0);
}

TEST(Open, ALockedFileIsRefusedWithARemedy) {
  const TempDirectory directory;
  CloseCleanly(directory);
  Result<sql::Database> foreign =
      sql::Database::Open(directory.path() / "state.db", sql::Access::kWrite);
  ASSERT_TRUE(foreign.ok());
  ASSERT_TRUE(foreign->Execute("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT").ok());
  const Status status = OpenError(directory);
  EXPECT_EQ(status.code(), Code::kUnavailable) << status.ToString();
  EXPECT_THAT(status.message(), HasSubstr("locked by another program"));
}

TEST(Open, ALockedWriterAtTheStartIsRefusedWithARemedy) {
  const TempDirectory directory;
  CloseCleanly(directory);
  const sql::Database foreign = OpenBeside(directory, "state.db");
  ASSERT_TRUE(foreign.Execute("BEGIN IMMEDIATE").ok());
  const Status status = OpenError(directory);
  EXPECT_EQ(status.code(), Code::kUnavailable) << status.ToString();
  EXPECT_THAT(status.message(), HasSubstr("locked by another program"));
  EXPECT_THAT(status.message(), HasSubstr("state.db"));
}

TEST(Open, ADirectoryThatCannotBeMadeIsNamed) {
  const TempDirectory directory;
  std::ofstream(directory.path() / "file") << "x";
  const auto store = StateStore::Open({.directory = directory.path() / "file" / "data"});
  ASSERT_FALSE(store.ok());
  EXPECT_THAT(store.status().message(), HasSubstr("file/data"));
}

TEST(Open, ReadersRefuseAFileThatWasNeverWritten) {
  const TempDirectory directory;
  EXPECT_FALSE(StateReader::Open({directory.path() / "state.db", nullptr}, 1).ok());
}

TEST(Open, KnowsNetworkFileSystems) {
  EXPECT_EQ(NetworkFileSystem(0x6969), "NFS");
  EXPECT_EQ(NetworkFileSystem(0x0bd00bd0), "Lustre");
  // CIFS' number has its highest bit set, and arrives sign-extended.
  EXPECT_EQ(NetworkFileSystem(static_cast<std::uint64_t>(static_cast<std::int32_t>(0xff534d42))),
            "CIFS");
  EXPECT_EQ(NetworkFileSystem(0xef53), std::nullopt);  // ext4
}

constexpr std::string_view kFirst = "CREATE TABLE t (a INTEGER NOT NULL) STRICT";
constexpr std::string_view kSecond =
    "ALTER TABLE t ADD COLUMN b INTEGER NOT NULL DEFAULT 7; UPDATE t SET b = a + 1";
constexpr std::string_view kBroken = "CREATE TABLE u (a INTEGER) STRICT; CREATE TABLE t (a)";

TEST(Migration, BringsAnOlderFileUpToDate) {
  const TempDirectory directory;
  const std::vector<std::string_view> old_steps = {kFirst};
  const std::vector<std::string_view> new_steps = {kFirst, kSecond};
  {
    const auto old = OpenForWriting({"x.db", 77, old_steps}, {directory.path(), false});
    ASSERT_TRUE(old.ok()) << old.status().ToString();
    ASSERT_TRUE(old->Execute("INSERT INTO t VALUES (41)").ok());
  }
  EXPECT_EQ(OpenForReading({"x.db", 77, new_steps}, directory.path() / "x.db").status().code(),
            Code::kFailedPrecondition);
  const auto migrated = OpenForWriting({"x.db", 77, new_steps}, {directory.path(), false});
  ASSERT_TRUE(migrated.ok()) << migrated.status().ToString();
  EXPECT_EQ(*migrated->QueryInt("SELECT b FROM t"), 42);
  EXPECT_EQ(*migrated->QueryInt("PRAGMA user_version"), 2);
}

TEST(Migration, AStepThatFailsLeavesTheFileAsItWas) {
  const TempDirectory directory;
  const std::vector<std::string_view> old_steps = {kFirst};
  const std::vector<std::string_view> new_steps = {kFirst, kBroken};
  ASSERT_TRUE(OpenForWriting({"x.db", 77, old_steps}, {directory.path(), false}).ok());
  EXPECT_FALSE(OpenForWriting({"x.db", 77, new_steps}, {directory.path(), false}).ok());
  const auto old = OpenForWriting({"x.db", 77, old_steps}, {directory.path(), false});
  ASSERT_TRUE(old.ok()) << old.status().ToString();
  EXPECT_EQ(*old->QueryInt("SELECT count(*) FROM sqlite_schema WHERE name = 'u'"), 0);
}

}  // namespace
}  // namespace fusor
