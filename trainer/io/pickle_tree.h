#pragma once

// What a pickle of tensors says, as data: nothing in it runs or stands for something that could.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trainer/io/tensor_type.h"

namespace fusor {

// A tensor as a view of a stored record: element i0,i1,... is element
// offset + i0 * strides[0] + i1 * strides[1] + ... of the record.
struct StoredTensor {
  std::string storage;  // the record's key
  std::uint64_t storage_bytes = 0;
  TensorType type = TensorType::kF32;
  std::int64_t offset = 0;  // in elements
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
};

class PickleTree {
 public:
  using NodeId = std::uint32_t;

  enum class Kind : std::uint8_t {
    kNone,
    kBool,
    kInt,  // integers beyond 64 bits are kFloat
    kFloat,
    kText,
    kBytes,
    kList,
    kTuple,
    kDict,     // items: key, value, key, value, ... in order of insertion, keys once
    kTensor,   // `integer` is its place in tensors
    kName,     // of a type, such as "torch.float32"
    kStorage,  // only while a pickle is read
  };

  struct Node {
    Kind kind = Kind::kNone;
    bool flag = false;
    std::int64_t integer = 0;
    double real = 0;
    std::string text;
    std::vector<NodeId> items;
  };

  const Node& root() const { return nodes[root_id]; }
  const Node& Get(NodeId id) const { return nodes[id]; }
  // Whether `node` is a list or a tuple.
  static bool IsSequence(const Node& node) {
    return node.kind == Kind::kList || node.kind == Kind::kTuple;
  }
  // The value of a text key; nullptr also when `node` is no dict.
  const Node* Find(const Node& node, std::string_view key) const;
  const StoredTensor& TensorOf(const Node& node) const {
    return tensors[static_cast<std::size_t>(node.integer)];
  }

  std::vector<Node> nodes;
  std::vector<StoredTensor> tensors;
  NodeId root_id = 0;
};

}  // namespace fusor
