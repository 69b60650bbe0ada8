// What a terminal shows while fusor-train runs, and that nothing else is shown to anything else.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/trainer/agent.h"
#include "trainer/process/progress_line.h"

namespace fusor::testing {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

ProgressFacts Facts() {
  return {.title = "expert",
          .phase = "",
          .epoch = 3,
          .epochs = 10,
          .step = 50,
          .steps = 200,
          .loss = 2.34567,
          .samples_per_s = 412.4,
          .seconds_left = 83};
}

TEST(ProgressLine, SaysHowFarHowFastAndHowLong) {
  EXPECT_EQ(ProgressLine(Facts(), {.columns = 120}),
            "expert  epoch 3/10  step 50/200  loss 2.346  1:23 left  412 samples/s  "
            "#######.......................");
  ProgressFacts early = Facts();
  early.loss.reset();
  early.samples_per_s = 9.16;
  early.seconds_left = 3 * 3600 + 62;
  early.phase = "evaluate";
  EXPECT_EQ(ProgressLine(early, {.unicode = true, .columns = 84}),
            "expert  evaluate  epoch 3/10  step 50/200  3:01:02 left  9.2 samples/s  ██░░░░░░░░░");
}

TEST(ProgressLine, IsNeverWiderThanTheTerminal) {
  for (std::size_t columns = 1; columns < 140; ++columns) {
    EXPECT_LT(ProgressLine(Facts(), {.columns = columns}).size(), columns);
  }
  EXPECT_EQ(ProgressLine(Facts(), {.columns = 40}), "expert  epoch 3/10  step 50/200");
}

TEST(ProgressLine, ColoursAreTheBarsAlone) {
  const std::string line = ProgressLine(Facts(), {.colour = true, .columns = 92});
  EXPECT_THAT(line, EndsWith("samples/s  \x1b[36m#####\x1b[0m\x1b[2m...............\x1b[0m"));
}

// What the program writes to a terminal with this environment.
std::string OnTerminal(const std::string& arguments, const std::string& environment) {
  const winsize size{.ws_row = 24, .ws_col = 100, .ws_xpixel = 0, .ws_ypixel = 0};
  int terminal = -1;
  const pid_t pid = forkpty(&terminal, nullptr, nullptr, &size);
  if (pid == 0) {
    const std::string command = "env " + environment + " " + FUSOR_TRAIN + " " + arguments;
    execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(126);
  }
  std::string text;
  char buffer[4096];
  ssize_t count = 0;
  // At the end of the program reading a terminal fails.
  while ((count = read(terminal, buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<std::size_t>(count));
  }
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0) << text;
  close(terminal);
  return text;
}

TEST(Program, DrawsProgressOnATerminalOnly) {
  TemporaryDirectory root;
  const std::string tiny =
      "expert width=4 depth=10 batch_size=16 subset=64 evaluate_subset=48 epochs=2 threads=1 "
      "export=none out=" +
      root.path() + "/";
  const std::string drawn = OnTerminal(tiny + "a", "TERM=xterm NO_COLOR= LC_ALL=C.UTF-8");
  EXPECT_THAT(drawn, AllOf(HasSubstr("\r\x1b[K"), HasSubstr("epoch 1/2  step "), HasSubstr("loss "),
                           HasSubstr(" samples/s"), HasSubstr(" left"), HasSubstr("\x1b[36m"),
                           HasSubstr("█"), HasSubstr("done\r\n")));
  const std::string plain = OnTerminal(tiny + "b", "TERM=xterm NO_COLOR=1 LC_ALL=C");
  EXPECT_THAT(plain, AllOf(HasSubstr("epoch 1/2  step "), HasSubstr("#"), Not(HasSubstr("\x1b[3")),
                           Not(HasSubstr("█"))));
  for (const std::string& quiet :
       {OnTerminal(tiny + "c", "TERM=dumb"), RunProgram(root, tiny + "d").output}) {
    EXPECT_THAT(quiet, AllOf(HasSubstr("val/accuracy"), Not(HasSubstr("\x1b")),
                             Not(HasSubstr("samples/s"))));
  }
}

}  // namespace
}  // namespace fusor::testing
