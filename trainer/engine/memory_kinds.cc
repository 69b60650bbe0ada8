#include "trainer/engine/memory_kinds.h"

namespace fusor {

MemoryKinds CountMemory(Task& task, std::span<const TrainedGroup> groups,
                        const Optimizer& optimizer) {
  MemoryKinds kinds{.data = task.data_bytes()};
  const ParameterSet& parameters = task.parameters();
  for (const Parameter& parameter : parameters.trained)
    kinds.parameters += parameter.value.nbytes();
  for (const Buffer& buffer : parameters.buffers) kinds.parameters += buffer.value.nbytes();
  for (const TrainedGroup& group : groups) {
    for (const Parameter& parameter : group.parameters) kinds.gradients += parameter.value.nbytes();
  }
  for (const NamedTensor& moment : optimizer.state()) kinds.optimizer += moment.tensor.nbytes();
  return kinds;
}

}  // namespace fusor
