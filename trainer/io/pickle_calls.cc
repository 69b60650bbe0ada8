#include "trainer/io/pickle_calls.h"

#include <tuple>

#include "common/base/limits.h"
#include "common/recipe/value.h"

namespace fusor {
namespace {

constexpr std::size_t kArgumentsMax = 8;

Status Misused(std::string_view what) {
  return DataLoss("does not have the arguments of " + std::string(what));
}

// Whether every element lies within the storage.
bool IsInside(const StoredTensor& tensor) {
  if (tensor.offset < 0 || tensor.shape.size() != tensor.strides.size()) return false;
  if (!TensorBytes(tensor.type, tensor.shape)) return false;
  std::int64_t last = tensor.offset;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    if (tensor.strides[i] < 0) return false;
    if (tensor.shape[i] == 0) return true;  // nothing to read
    std::int64_t reach;
    if (__builtin_mul_overflow(tensor.shape[i] - 1, tensor.strides[i], &reach) ||
        __builtin_add_overflow(last, reach, &last)) {
      return false;
    }
  }
  return static_cast<std::uint64_t>(last) < tensor.storage_bytes / TensorTypeBytes(tensor.type);
}

}  // namespace

Status PickleCalls::PushName(std::string_view module, std::string_view name) {
  const std::string full = std::string(module) + "." + std::string(name);
  const auto known = FindPickleName(module, name);
  if (!known) {
    return InvalidArgument(
        "refers to " + JsonQuote(full) +
        ", which is no part of a state dict; save tensors, numbers and texts only "
        "(model.state_dict())");
  }
  names_.push_back(*known);
  return stack_.Push(
      {.kind = Kind::kName, .integer = static_cast<std::int64_t>(names_.size()) - 1, .text = full});
}

const KnownName* PickleCalls::NameOf(NodeId id) {
  const Node& node = stack_.Get(id);
  return node.kind == Kind::kName ? &names_[static_cast<std::size_t>(node.integer)] : nullptr;
}

Result<std::vector<PickleCalls::NodeId>> PickleCalls::PopArguments() {
  auto arguments = stack_.Pop();
  if (!arguments.ok()) return arguments.status();
  const Node& node = stack_.Get(*arguments);
  if (node.kind != Kind::kTuple || node.items.size() > kArgumentsMax) {
    return DataLoss("calls something without a tuple of arguments");
  }
  return node.items;
}

Status PickleCalls::Reduce() {
  auto arguments = PopArguments();
  if (!arguments.ok()) return arguments.status();
  auto callee = stack_.Pop();
  if (!callee.ok()) return callee.status();
  const KnownName* name = NameOf(*callee);
  if (name == nullptr) return DataLoss("calls what is no name");
  return Call(KnownName(*name), *arguments);
}

Status PickleCalls::Call(const KnownName& name, const std::vector<NodeId>& arguments) {
  switch (name.name) {
    case PickleName::kOrderedDict:
      return MakeDict(arguments);
    case PickleName::kRebuildTensor2:
    case PickleName::kRebuildTensor3:
      return MakeTensor(name, arguments);
    case PickleName::kRebuildParameter:
      if (arguments.empty() || stack_.Get(arguments[0]).kind != Kind::kTensor) {
        return Misused("a parameter");
      }
      return PushSame(arguments[0]);
    case PickleName::kSize:
      if (arguments.size() != 1 || !PickleTree::IsSequence(stack_.Get(arguments[0]))) {
        return Misused("torch.Size");
      }
      return PushSame(arguments[0]);
    case PickleName::kDevice: {
      if (arguments.empty() || stack_.Get(arguments[0]).kind != Kind::kText ||
          stack_.Get(arguments[0]).text.size() > limits::kPickleKeyBytesMax) {
        return Misused("torch.device");
      }
      std::string text = stack_.Get(arguments[0]).text;
      if (arguments.size() > 1) text += ":" + std::to_string(stack_.Get(arguments[1]).integer);
      return stack_.Push({.kind = Kind::kText, .text = std::move(text)});
    }
    case PickleName::kType:
    case PickleName::kTypedStorage:
    case PickleName::kBytesStorage:
      break;
  }
  return InvalidArgument("calls a type, which is no part of a state dict");
}

Status PickleCalls::PushSame(NodeId id) {
  stack_.PushAgain(id);
  return Ok();
}

Status PickleCalls::MakeDict(const std::vector<NodeId>& arguments) {
  Node dict{.kind = Kind::kDict};
  if (arguments.size() > 1) return Misused("OrderedDict");
  if (arguments.size() == 1) {  // Python 2: a list of pairs
    const Node& pairs = stack_.Get(arguments[0]);
    if (!PickleTree::IsSequence(pairs)) return Misused("OrderedDict");
    for (const NodeId id : pairs.items) {
      const Node& pair = stack_.Get(id);
      if (!PickleTree::IsSequence(pair) || pair.items.size() != 2) return Misused("OrderedDict");
      dict.items.insert(dict.items.end(), pair.items.begin(), pair.items.end());
    }
  }
  return stack_.Push(std::move(dict));
}

Result<std::vector<std::int64_t>> PickleCalls::Integers(NodeId id) {
  const Node& node = stack_.Get(id);
  if (!PickleTree::IsSequence(node)) return Misused("a tensor");
  if (node.items.size() > limits::kTensorRankMax) {
    return DataLoss("a tensor of " + std::to_string(node.items.size()) + " dimensions");
  }
  std::vector<std::int64_t> values;
  for (const NodeId item : node.items) {
    if (stack_.Get(item).kind != Kind::kInt) return Misused("a tensor");
    values.push_back(stack_.Get(item).integer);
  }
  return values;
}

// storage, offset, shape, strides, requires_grad, hooks, [type,] [what is special about it]
Status PickleCalls::MakeTensor(const KnownName& name, const std::vector<NodeId>& arguments) {
  const bool typed = name.name == PickleName::kRebuildTensor2;
  const std::size_t plain = typed ? 6 : 7;
  if (arguments.size() < plain || arguments.size() > plain + 1) return Misused("a tensor");
  const Node& special = stack_.Get(arguments.back());
  if (arguments.size() > plain && !special.items.empty()) {
    return InvalidArgument(
        "a conjugate or negative view; save tensor.resolve_conj().resolve_neg()");
  }
  if (stack_.Get(arguments[0]).kind != Kind::kStorage ||
      stack_.Get(arguments[1]).kind != Kind::kInt) {
    return Misused("a tensor");
  }
  const Storage& storage = storages_[static_cast<std::size_t>(stack_.Get(arguments[0]).integer)];
  const KnownName* type = typed ? &storage.type : NameOf(arguments[6]);
  const PickleName wanted = typed ? PickleName::kTypedStorage : PickleName::kType;
  if (type == nullptr || type->name != wanted) return DataLoss("a tensor without a type");
  auto shape = Integers(arguments[2]);
  if (!shape.ok()) return shape.status();
  auto strides = Integers(arguments[3]);
  if (!strides.ok()) return strides.status();
  StoredTensor tensor{.storage = storage.key,
                      .storage_bytes = storage.bytes,
                      .type = type->type,
                      .offset = stack_.Get(arguments[1]).integer,
                      .shape = std::move(*shape),
                      .strides = std::move(*strides)};
  if (!IsInside(tensor)) {
    return DataLoss("a tensor of shape " + ShapeText(tensor.shape) + ", strides " +
                    ShapeText(tensor.strides) + " and offset " + std::to_string(tensor.offset) +
                    " reaches beyond its storage of " + std::to_string(storage.bytes) + " bytes");
  }
  auto& tensors = stack_.tree().tensors;
  if (tensors.size() >= limits::kTensorsPerFileMax) {
    return ResourceExhausted("more than " + std::to_string(limits::kTensorsPerFileMax) +
                             " tensors");
  }
  tensors.push_back(std::move(tensor));
  return stack_.Push(
      {.kind = Kind::kTensor, .integer = static_cast<std::int64_t>(tensors.size()) - 1});
}

Status PickleCalls::Build() {
  auto state = stack_.Pop();
  if (!state.ok()) return state.status();
  auto object = stack_.Top();
  if (!object.ok()) return object.status();
  if (stack_.Get(*object).kind == Kind::kDict) return Ok();
  return InvalidArgument("sets attributes of what is no OrderedDict");
}

// ('storage', type, key, device, count of elements)
Status PickleCalls::PushStorage() {
  auto arguments = PopArguments();
  if (!arguments.ok()) return arguments.status();
  if (arguments->size() != 5) return Misused("a storage");
  const auto& [tag, type_id, key, device, count] =
      std::tie((*arguments)[0], (*arguments)[1], (*arguments)[2], (*arguments)[3], (*arguments)[4]);
  const KnownName* type = NameOf(type_id);
  const Node& elements = stack_.Get(count);
  if (stack_.Get(tag).text != "storage" || type == nullptr || stack_.Get(key).kind != Kind::kText ||
      stack_.Get(key).text.size() > limits::kPickleKeyBytesMax || elements.kind != Kind::kInt ||
      elements.integer < 0) {
    return Misused("a storage");
  }
  if (type->name != PickleName::kTypedStorage && type->name != PickleName::kBytesStorage) {
    return Misused("a storage");
  }
  std::uint64_t bytes;
  if (__builtin_mul_overflow(static_cast<std::uint64_t>(elements.integer),
                             TensorTypeBytes(type->type), &bytes)) {
    return DataLoss("a storage of " + std::to_string(elements.integer) + " elements");
  }
  storages_.push_back({stack_.Get(key).text, bytes, *type});
  return stack_.Push(
      {.kind = Kind::kStorage, .integer = static_cast<std::int64_t>(storages_.size()) - 1});
}

}  // namespace fusor
