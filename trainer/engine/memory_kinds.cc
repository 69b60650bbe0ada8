#include "trainer/engine/memory_kinds.h"

#include <utility>
#include <vector>

namespace fusor {
namespace {

std::uint64_t BytesOf(std::vector<Parameter> parameters) {
  SeenTensors seen;
  DropTied(parameters, seen);
  std::uint64_t bytes = 0;
  for (const Parameter& parameter : parameters) bytes += parameter.value.nbytes();
  return bytes;
}

}  // namespace

MemoryKinds CountMemory(Task& task, std::span<const TrainedGroup> groups,
                        const Optimizer& optimizer) {
  MemoryKinds kinds{.data = task.data_bytes()};
  const ParameterSet& parameters = task.parameters();
  kinds.parameters = BytesOf(parameters.trained);
  for (const Buffer& buffer : parameters.buffers) kinds.parameters += buffer.value.nbytes();
  std::vector<Parameter> trained;
  for (const TrainedGroup& group : groups) {
    trained.insert(trained.end(), group.parameters.begin(), group.parameters.end());
  }
  kinds.gradients = BytesOf(std::move(trained));
  for (const NamedTensor& moment : optimizer.state()) kinds.optimizer += moment.tensor.nbytes();
  return kinds;
}

}  // namespace fusor
