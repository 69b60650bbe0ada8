#pragma once

// The stack, marks and memo of a pickle reader. Values are referred to by number, as several places
// of a pickle may mean the same object; everything has a limit, and no operation reaches below the
// last mark.

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "trainer/io/pickle_tree.h"

namespace fusor {

class PickleStack {
 public:
  using Node = PickleTree::Node;
  using NodeId = PickleTree::NodeId;
  using Kind = PickleTree::Kind;

  Node& Get(NodeId id) { return tree_.nodes[id]; }
  PickleTree& tree() { return tree_; }

  Status Push(Node node);
  Result<NodeId> Pop();
  Result<NodeId> Top() const;
  // Pushes a value that is there already: the same object, not a copy.
  void PushAgain(NodeId id) { stack_.push_back(id); }
  // Adds to the topmost value, a list or (keys and values alternating) a dict.
  Status Extend(Kind kind, const std::vector<NodeId>& items);

  void Mark() { marks_.push_back(stack_.size()); }
  // What was pushed since the last mark, in order; the mark goes too.
  Result<std::vector<NodeId>> PopToMark();
  // The topmost `count` values become a tuple.
  Status MakeTuple(std::size_t count);

  Status Remember(std::uint64_t key);
  Status RememberNext() { return Remember(memo_.size()); }
  Status Recall(std::uint64_t key);

  // The one value left, which is the pickle's. Refuses cycles, too much depth, and what is no data.
  Result<PickleTree> Finish();

 private:
  Status CountItems(std::size_t more);
  Status CheckKeys(const std::vector<NodeId>& items) const;
  Status CheckShape();
  void DropRepeatedKeys(Node& dict);

  PickleTree tree_;
  std::vector<NodeId> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, NodeId> memo_;
  std::size_t items_ = 0;  // of all nodes
};

}  // namespace fusor
