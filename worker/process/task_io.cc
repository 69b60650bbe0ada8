#include "worker/process/task_io.h"

#include <fcntl.h>
#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <utility>

#include "worker/system/files.h"

namespace fusor::agent {

namespace {

constexpr int kFactPipeBytes = 256 << 10;
constexpr std::size_t kChunkBytes = 64 << 10;
constexpr int kChunksPerRead = 4;  // then the other trials have their turn
constexpr int kBadLinesSaid = 20;

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Result<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return SystemError("pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::string_view NameOf(agent::Command command) {
  switch (command) {
    case agent::Command::kCheckpoint:
      return "checkpoint";
    case agent::Command::kCheckpointAndStop:
      return "checkpoint_and_stop";
    case agent::Command::kFinishEarly:
      return "finish_early";
    case agent::Command::kAbort:
      return "abort";
  }
  return "abort";
}

// -1: nothing there now; 0: the end.
ssize_t ReadSome(const UniqueFd& fd, std::array<char, kChunkBytes>& buffer) {
  ssize_t count;
  do {
    count = read(fd.get(), buffer.data(), buffer.size());
  } while (count < 0 && errno == EINTR);
  if (count < 0 && errno != EAGAIN) return 0;
  return count;
}

}  // namespace

Result<std::unique_ptr<TaskIo>> TaskIo::Create(Loop& loop, TaskKey task, const AttemptDirs& dirs,
                                               Emit emit) {
  std::unique_ptr<TaskIo> io(new TaskIo(loop, task, dirs, std::move(emit)));
  Result<Pipe> facts = MakePipe();
  Result<Pipe> commands = MakePipe();
  Result<Pipe> out = MakePipe();
  Result<Pipe> err = MakePipe();
  for (const auto* pipe : {&facts, &commands, &out, &err}) {
    if (!pipe->ok()) return pipe->status();
  }
  // A larger pipe lets the trial run on while the agent is busy; refused when the user has many.
  fcntl(facts->read.get(), F_SETPIPE_SZ, kFactPipeBytes);
  for (const int fd :
       {facts->read.get(), commands->write.get(), out->read.get(), err->read.get()}) {
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) return SystemError("fcntl");
  }
  io->facts_ = std::move(facts->read);
  io->commands_ = std::move(commands->write);
  io->out_ = std::move(out->read);
  io->err_ = std::move(err->read);
  io->trial_ends_ = {std::move(facts->write), std::move(commands->read), std::move(out->write),
                     std::move(err->write)};
  return io;
}

TaskIo::TaskIo(Loop& loop, TaskKey task, const AttemptDirs& dirs, Emit emit)
    : loop_(loop), task_(task), dirs_(dirs), emit_(std::move(emit)), fact_reader_(MakeSink()) {}

TaskIo::~TaskIo() { UnwatchAll(); }

FactSink TaskIo::MakeSink() {
  return {
      .fact =
          [this](FactBody body) {
            emit_(Reported{task_, std::move(body)});
          },
      .files = [this](const FilesReported& files) { OnFiles(files); },
      .failure =
          [this](Failure failure, std::string detail) {
            emit_(FailureReported{task_, failure, std::move(detail)});
          },
      .final =
          [this](OutcomeKind kind, std::int64_t step, std::string detail) {
            emit_(FinalReported{task_, kind, step, std::move(detail)});
          },
      .bad_line = [this](std::string_view line, std::string_view why) { OnBadLine(line, why); }};
}

void TaskIo::WatchAll() {
  if (std::exchange(watching_, true)) return;
  const auto watch = [this](const UniqueFd& fd, auto read) {
    if (!fd) return;
    loop_.Watch(fd.get(), EPOLLIN, [this, &fd, read](std::uint32_t) {
      if (!read()) loop_.Unwatch(fd.get());
    });
  };
  watch(facts_, [this] { return ReadFacts(); });
  watch(out_, [this] { return ReadLog(out_reader_, out_); });
  watch(err_, [this] { return ReadLog(err_reader_, err_); });
}

void TaskIo::UnwatchAll() {
  if (!std::exchange(watching_, false)) return;
  for (const UniqueFd* fd : {&facts_, &out_, &err_}) {
    if (*fd) loop_.Unwatch(fd->get());
  }
}

void TaskIo::Hold() { UnwatchAll(); }

void TaskIo::Release() { WatchAll(); }

bool TaskIo::ReadFacts() {
  std::array<char, kChunkBytes> buffer;
  for (int i = 0; i < kChunksPerRead; ++i) {
    const ssize_t count = ReadSome(facts_, buffer);
    if (count <= 0) return count < 0;
    fact_reader_.Read({buffer.data(), static_cast<std::size_t>(count)}, NowMs());
    if (static_cast<std::size_t>(count) < buffer.size()) return true;
  }
  return true;
}

bool TaskIo::ReadLog(LogReader& reader, const UniqueFd& fd) {
  std::array<char, kChunkBytes> buffer;
  const ssize_t count = ReadSome(fd, buffer);
  if (count <= 0) return count < 0;
  LogFact fact = reader.Read({buffer.data(), static_cast<std::size_t>(count)}, NowMs());
  if (!fact.text.empty()) emit_(Reported{task_, std::move(fact)});
  return true;
}

void TaskIo::EmitLog(LogReader& reader) {
  LogFact fact = reader.Finish(NowMs());
  if (!fact.text.empty()) emit_(Reported{task_, std::move(fact)});
}

void TaskIo::Drain() {
  UnwatchAll();
  // A descendant that lives on may go on writing, so that there need not be an end: what a pipe can
  // hold was written before the process ended.
  std::array<char, kChunkBytes> buffer;
  for (std::size_t left = kFactPipeBytes + kChunkBytes; left > 0;) {
    const ssize_t count = ReadSome(facts_, buffer);
    if (count <= 0) break;
    fact_reader_.Read({buffer.data(), static_cast<std::size_t>(count)}, NowMs());
    left -= std::min(left, static_cast<std::size_t>(count));
  }
  fact_reader_.Finish(NowMs());
  for (int i = 0; i < kChunksPerRead && ReadLog(out_reader_, out_); ++i) {
  }
  for (int i = 0; i < kChunksPerRead && ReadLog(err_reader_, err_); ++i) {
  }
  EmitLog(out_reader_);
  EmitLog(err_reader_);
  facts_.Reset();
  commands_.Reset();
  out_.Reset();
  err_.Reset();
}

void TaskIo::Command(agent::Command command) {
  if (!commands_) return;
  const std::string line = "{\"c\":\"" + std::string(NameOf(command)) + "\"}\n";
  // A trial that never reads its commands is brought to an end by signals.
  [[maybe_unused]] const ssize_t ignored = write(commands_.get(), line.data(), line.size());
}

void TaskIo::OnFiles(const FilesReported& files) {
  const StagedId staged{next_staged_++};
  const Status status = dirs_.Stage(task_, staged, files.names);
  if (!status.ok()) {
    dirs_.Unstage(task_, staged);
    Say((files.checkpoint ? "checkpoint" : "artifact") + std::string(" of step ") +
        std::to_string(files.step) + " is not taken: " + status.message());
    return;
  }
  if (files.checkpoint) {
    emit_(CheckpointReported{task_, staged, files.step});
  } else {
    emit_(ArtifactReported{task_, staged, files.kind, files.names.front(), files.step});
  }
}

void TaskIo::OnBadLine(std::string_view line, std::string_view why) {
  if (++bad_lines_ > kBadLinesSaid) return;
  Say("line " + std::string(why) + ": " + std::string(line.substr(0, 200)));
  if (bad_lines_ == kBadLinesSaid) Say("further such lines are passed over in silence");
}

void TaskIo::Say(std::string text) {
  emit_(Reported{task_, LogFact{.time_ms = NowMs(),
                                .is_error_stream = true,
                                .text = "fusor-worker: " + std::move(text) + "\n"}});
}

}  // namespace fusor::agent
