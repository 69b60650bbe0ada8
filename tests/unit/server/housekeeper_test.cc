// The housekeeper's warning of a write-ahead log that a reader keeps from starting over.

#include "coordinator/server/housekeeper.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <mutex>

#include "common/base/limits.h"
#include "coordinator/store/metrics_store.h"
#include "coordinator/store/sqlite.h"
#include "coordinator/store/state_store.h"
#include "tests/harness/wait.h"

namespace fusor {
namespace {

// Keeps lines where a test can read them while others write.
class Lines final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    text_.append(message.payload.data(), message.payload.size()).append("\n");
  }
  void flush_() override {}

 private:
  std::string text_;
};

// Another program that is in the middle of reading.
class ForeignReader {
 public:
  explicit ForeignReader(const std::filesystem::path& file) {
    int ready[2];
    int done[2];
    EXPECT_EQ(::pipe(ready), 0);
    EXPECT_EQ(::pipe(done), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(done[1]);
      const auto reader = sql::Database::Open(file, sql::Access::kRead);
      char byte = 'x';
      if (reader.ok() && reader->Execute("BEGIN; SELECT count(*) FROM sweep").ok()) {
        (void)!::write(ready[1], &byte, 1);
        (void)!::read(done[0], &byte, 1);
      }
      ::_exit(0);
    }
    ::close(ready[1]);
    ::close(done[0]);
    done_ = done[1];
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
  }
  ~ForeignReader() {
    ::close(done_);
    (void)::waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
  int done_ = -1;
};

TEST(Housekeeper, ALargeLogIsReportedWithWhoReadsIt) {
  std::string name = (std::filesystem::temp_directory_path() / "fusor_XXXXXX").string();
  const std::filesystem::path directory = ::mkdtemp(name.data());
  auto state = StateStore::Open({directory});
  auto metrics = MetricsStore::Open({directory});
  ASSERT_TRUE(state.ok() && metrics.ok());
  auto artifacts = ArtifactStore::Open(directory);
  auto state_reader = StateReader::Open((*state)->read_door(), 1);
  auto metrics_reader = MetricsReader::Open((*metrics)->read_door(), 1);
  ASSERT_TRUE(state_reader.ok() && metrics_reader.ok());
  Readers readers{std::move(*state_reader), std::move(*metrics_reader)};
  const auto reader = std::make_unique<ForeignReader>(directory / "state.db");
  const auto lines = std::make_shared<Lines>();
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", lines));

  Stats stats;
  Housekeeper::Parts parts;
  parts.artifacts = artifacts->get();
  parts.readers = &readers;
  parts.stats = &stats;
  parts.forget = [](const std::vector<std::string>&) {};
  parts.health_changed = [] {};
  parts.data = directory;
  Housekeeper housekeeper({.tick = std::chrono::milliseconds(1)}, parts);
  stats.state_wal_bytes.store(limits::kWalBytesAlarm);
  housekeeper.Start();
  stats.state_wal_bytes.store(limits::kWalBytesAlarm + 1);
  EXPECT_TRUE(harness::WaitUntil(
      [&] { return lines->text().find("event=wal_large") != std::string::npos; }, 30));
  EXPECT_NE(lines->text().find("(process " + std::to_string(reader->pid()) + ")"),
            std::string::npos)
      << lines->text();
  housekeeper.Stop();
  spdlog::set_default_logger(before);
  readers = {};
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace fusor
