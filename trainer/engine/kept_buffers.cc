#include "trainer/engine/kept_buffers.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_copy.h>

namespace fusor {

KeptBuffers::KeptBuffers(const ParameterSet& parameters) {
  for (const Buffer& buffer : parameters.buffers) {
    live_.push_back(buffer.value);
    kept_.push_back(buffer.value.clone());
  }
}

void KeptBuffers::Keep() {
  const at::NoGradGuard no_grad;
  if (!live_.empty()) at::_foreach_copy_(kept_, live_);
}

void KeptBuffers::Restore() {
  const at::NoGradGuard no_grad;
  if (!live_.empty()) at::_foreach_copy_(live_, kept_);
}

}  // namespace fusor
