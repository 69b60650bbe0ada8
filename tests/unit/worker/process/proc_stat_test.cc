#include "worker/process/proc_stat.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "tests/unit/worker/temp_dir.h"
#include "worker/system/unique_fd.h"

namespace fusor::agent {
namespace {

constexpr std::size_t kBytes = 64 << 20;
constexpr std::size_t kPage = 4'096;

void* Map(int flags, int fd = -1) {
  return mmap(nullptr, kBytes, fd < 0 ? PROT_READ | PROT_WRITE : PROT_READ, flags, fd, 0);
}

void Touch(void* memory) {
  auto* bytes = static_cast<volatile char*>(memory);
  for (std::size_t i = 0; i < kBytes; i += kPage) bytes[i] = 1;
}

// Not watched: the sanitizer would keep notes about every page that is read.
__attribute__((no_sanitize("thread"))) void Read(const void* memory) {
  const auto* bytes = static_cast<const volatile char*>(memory);
  for (std::size_t i = 0; i < kBytes; i += kPage) static_cast<void>(bytes[i]);
}

// A child that has done its work and waits to be looked at.
class Child {
 public:
  explicit Child(const std::function<void()>& work) {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd in(ends[0]);
    UniqueFd out(ends[1]);
    pid_ = fork();
    if (pid_ == 0) {
      work();
      if (write(out.get(), "d", 1) != 1) _exit(1);
      for (;;) pause();
    }
    out.Reset();
    char done = 0;
    EXPECT_EQ(read(in.get(), &done, 1), 1);
  }
  ~Child() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
};

TEST(ProcStat, MemoryIsAnonymousAndSharedButNotFiles) {
  const Child idle([] {});
  const std::uint64_t before = ResidentBytes(idle.pid());
  const Child anonymous([] { Touch(Map(MAP_PRIVATE | MAP_ANONYMOUS)); });
  EXPECT_GE(ResidentBytes(anonymous.pid()), before + kBytes * 9 / 10);
  EXPECT_GE(ProportionalBytes(anonymous.pid()).value_or(0), kBytes * 9 / 10);
  const Child shared([] { Touch(Map(MAP_SHARED | MAP_ANONYMOUS)); });
  EXPECT_GE(ResidentBytes(shared.pid()), before + kBytes * 9 / 10);
  EXPECT_GE(ProportionalBytes(shared.pid()).value_or(0), kBytes * 9 / 10);

  const TempDir dir;
  const UniqueFd file(open((dir.path() / "file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(ftruncate(file.get(), kBytes), 0);
  const Child reader([&] { Read(Map(MAP_PRIVATE, file.get())); });
  EXPECT_LT(ResidentBytes(reader.pid()), before + kBytes / 2);
}

TEST(ProcStat, WhatIsSharedWithTheTemplateCountsByItsShareWhenLookedAtClosely) {
  void* memory = Map(MAP_PRIVATE | MAP_ANONYMOUS);
  ASSERT_NE(memory, MAP_FAILED);
  Touch(memory);
  const Child child([] {});
  const std::uint64_t resident = ResidentBytes(child.pid());
  EXPECT_GE(resident, kBytes);
  EXPECT_LT(ProportionalBytes(child.pid()).value_or(resident), resident * 3 / 4);
  munmap(memory, kBytes);
}

TEST(ProcStat, ProcessesAreKnownByTheirEnvironment) {
  const std::string mark = "FUSOR_TEST_MARK=" + std::to_string(getpid());
  const Child child([&] {
    // The environment that counts is that of the program's start.
    if (fork() != 0) return;
    setenv("FUSOR_TEST_MARK", mark.substr(mark.find('=') + 1).c_str(), 1);
    execlp("sleep", "sleep", "1000", nullptr);
    _exit(1);
  });
  std::vector<ProcStat> marked;
  for (int i = 0; i < 10'000 && marked.empty(); ++i) marked = ProcessesMarked(mark);
  ASSERT_EQ(marked.size(), 1u);
  EXPECT_EQ(marked[0].parent, child.pid());
  EXPECT_TRUE(ProcessesMarked(mark.substr(0, mark.size() - 1)).empty());
  kill(marked[0].pid, SIGKILL);
}

TEST(ProcStat, WhatIsGoneIsNothing) {
  pid_t pid = 0;
  {
    const Child child([] {});
    pid = child.pid();
    EXPECT_EQ(ReadProcStat(pid)->parent, getpid());
  }
  EXPECT_FALSE(ReadProcStat(pid).has_value());
  EXPECT_EQ(ResidentBytes(pid), 0u);
  EXPECT_FALSE(ProportionalBytes(pid).has_value());
}

}  // namespace
}  // namespace fusor::agent
