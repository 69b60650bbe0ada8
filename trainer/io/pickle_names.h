#pragma once

// The Python names that a pickle of tensors may mention, and what is built for each.

#include <optional>
#include <string_view>

#include "trainer/io/tensor_type.h"

namespace fusor {

enum class PickleName : std::uint8_t {
  kOrderedDict,
  kRebuildTensor2,  // of a typed storage
  kRebuildTensor3,  // of a storage of bytes, the type beside it
  kRebuildParameter,
  kSize,
  kDevice,
  kType,          // torch.float32, ...
  kTypedStorage,  // torch.FloatStorage, ...
  kBytesStorage,
};

struct KnownName {
  PickleName name = PickleName::kOrderedDict;
  TensorType type = TensorType::kU8;  // of kType and kTypedStorage
};

std::optional<KnownName> FindPickleName(std::string_view module, std::string_view name);

}  // namespace fusor
