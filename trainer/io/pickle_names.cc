#include "trainer/io/pickle_names.h"

#include <array>

namespace fusor {
namespace {

struct Row {
  std::string_view module;
  std::string_view name;
  PickleName what;
};

constexpr std::array<Row, 9> kNames = {{
    {"collections", "OrderedDict", PickleName::kOrderedDict},
    {"torch._utils", "_rebuild_tensor_v2", PickleName::kRebuildTensor2},
    {"torch._utils", "_rebuild_tensor_v3", PickleName::kRebuildTensor3},
    {"torch._utils", "_rebuild_parameter", PickleName::kRebuildParameter},
    {"torch._utils", "_rebuild_parameter_with_state", PickleName::kRebuildParameter},
    {"torch", "Size", PickleName::kSize},
    {"torch", "device", PickleName::kDevice},
    {"torch.storage", "UntypedStorage", PickleName::kBytesStorage},
    {"torch.storage", "_UntypedStorage", PickleName::kBytesStorage},
}};

}  // namespace

std::optional<KnownName> FindPickleName(std::string_view module, std::string_view name) {
  for (const Row& row : kNames) {
    if (row.module == module && row.name == name) return KnownName{row.what};
  }
  if (module != "torch") return std::nullopt;
  if (auto type = TensorTypeFromTorch(name)) return KnownName{PickleName::kType, *type};
  if (auto type = TensorTypeFromStorage(name)) return KnownName{PickleName::kTypedStorage, *type};
  return std::nullopt;
}

}  // namespace fusor
