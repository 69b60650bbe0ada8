#pragma once

// The few calls a pickle of tensors makes, done as data.

#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "trainer/io/pickle_names.h"
#include "trainer/io/pickle_stack.h"

namespace fusor {

class PickleCalls {
 public:
  explicit PickleCalls(PickleStack& stack) : stack_(stack) {}

  // Pushes a name that may be called or used as a type.
  Status PushName(std::string_view module, std::string_view name);
  // Calls the name below the topmost value with that value's items.
  Status Reduce();
  // Gives the object below the topmost value attributes: an OrderedDict's are ignored.
  Status Build();
  // The topmost value says which storage is meant.
  Status PushStorage();

 private:
  using Node = PickleStack::Node;
  using NodeId = PickleStack::NodeId;
  using Kind = PickleStack::Kind;
  struct Storage {
    std::string key;
    std::uint64_t bytes = 0;
    KnownName type;
  };

  Result<std::vector<NodeId>> PopArguments();
  Status Call(const KnownName& name, const std::vector<NodeId>& arguments);
  Status MakeDict(const std::vector<NodeId>& arguments);
  Status MakeTensor(const KnownName& name, const std::vector<NodeId>& arguments);
  Status PushSame(NodeId id);
  Result<std::vector<std::int64_t>> Integers(NodeId id);
  const KnownName* NameOf(NodeId id);

  PickleStack& stack_;
  std::vector<KnownName> names_;  // a node of kName says which
  std::vector<Storage> storages_;
};

}  // namespace fusor
