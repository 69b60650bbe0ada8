#pragma once

// One trial's pipes, seen from the agent: facts and log lines in, commands out. Owned by the loop's
// thread; reads only as much as is there, so a trial that is held back waits in its own write.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "worker/core/effect.h"
#include "worker/core/event.h"
#include "worker/process/attempt_dirs.h"
#include "worker/process/fact_reader.h"
#include "worker/process/log_reader.h"
#include "worker/process/spawner.h"
#include "worker/system/loop.h"

namespace fusor::agent {

class TaskIo {
 public:
  using Emit = std::function<void(Event)>;

  // Reads nothing before Release. `dirs` and `emit` must live as long as this.
  static Result<std::unique_ptr<TaskIo>> Create(Loop& loop, TaskKey task, const AttemptDirs& dirs,
                                                Emit emit);
  ~TaskIo();

  // The trial's ends; once.
  TrialEnds TakeTrialEnds() { return std::move(trial_ends_); }

  void Command(agent::Command command);
  void Hold();
  void Release();

  // The process has ended: reads what it left, and no more.
  void Drain();

 private:
  TaskIo(Loop& loop, TaskKey task, const AttemptDirs& dirs, Emit emit);
  FactSink MakeSink();
  void WatchAll();
  void UnwatchAll();
  // Reads up to a bound; false at the end of the pipe.
  bool ReadFacts();
  bool ReadLog(LogReader& reader, const UniqueFd& fd);
  void EmitLog(LogReader& reader);
  void OnFiles(const FilesReported& files);
  void OnBadLine(std::string_view line, std::string_view why);
  void Say(std::string text);
  std::int64_t NowMs() const { return ToUnixMillis(loop_.Now()); }

  Loop& loop_;
  const TaskKey task_;
  const AttemptDirs& dirs_;
  const Emit emit_;
  UniqueFd facts_;
  UniqueFd commands_;
  UniqueFd out_;
  UniqueFd err_;
  TrialEnds trial_ends_;

  FactReader fact_reader_;
  LogReader out_reader_{/*is_error_stream=*/false};
  LogReader err_reader_{/*is_error_stream=*/true};
  std::uint64_t next_staged_ = 1;
  int bad_lines_ = 0;
  bool watching_ = false;
};

}  // namespace fusor::agent
