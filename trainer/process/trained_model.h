#pragma once

// A trained model, found by what a person names: a run's folder, a checkpoint's, a model file of a
// run, or a part that was saved alone (expert_2_best.pth, a state dict made elsewhere).

#include <memory>
#include <span>
#include <string>

#include "common/base/status.h"
#include "trainer/contract/control.h"
#include "trainer/contract/job.h"
#include "trainer/contract/reporter.h"
#include "trainer/engine/device.h"
#include "trainer/engine/pulse.h"
#include "trainer/engine/task.h"

namespace fusor {

struct TrainedModel {
  std::string file;
  std::string folder;  // of the run; of the file where it lies in none
  Job job;             // its recipe and configuration, with what the arguments change of it
  std::string step;    // of the run, when the file says so
  bool whole = true;   // as a run keeps it, not a part of one or made elsewhere
};

// The arguments behind the path are key=value: settings of the run, parameters of the recipe,
// which=best|last for a folder, recipe=NAME for a file that does not say how it was made. All
// problems in one message, one per line.
Result<TrainedModel> FindTrained(const std::string& path, std::span<const char* const> arguments);

// Its task, ready to answer.
class TrainedTask {
 public:
  TrainedTask();

  // Without its data only what needs none can be asked.
  Status Open(const TrainedModel& trained, bool with_data);

  Task& task() { return *task_; }
  Pulse& pulse() { return pulse_; }
  const Device& device() const { return device_; }

 private:
  std::unique_ptr<Reporter> reporter_;
  Control control_;
  Pulse pulse_;
  Device device_;
  std::unique_ptr<Task> task_;
};

}  // namespace fusor
