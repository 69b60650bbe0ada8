#include "trainer/io/pickle_stack.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "common/base/limits.h"

namespace fusor {

Status PickleStack::Push(Node node) {
  if (tree_.nodes.size() >= limits::kPickleNodesMax) {
    return ResourceExhausted("more than " + std::to_string(limits::kPickleNodesMax) + " values");
  }
  RETURN_IF_ERROR(CountItems(node.items.size()));
  stack_.push_back(static_cast<NodeId>(tree_.nodes.size()));
  tree_.nodes.push_back(std::move(node));
  return Ok();
}

Result<PickleStack::NodeId> PickleStack::Top() const {
  const std::size_t floor = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() <= floor) return DataLoss("takes a value that is not there");
  return stack_.back();
}

Result<PickleStack::NodeId> PickleStack::Pop() {
  auto top = Top();
  if (top.ok()) stack_.pop_back();
  return top;
}

Status PickleStack::CountItems(std::size_t more) {
  items_ += more;
  if (items_ <= limits::kPickleItemsMax) return Ok();
  return ResourceExhausted("lists and dicts of more than " +
                           std::to_string(limits::kPickleItemsMax) + " items");
}

Status PickleStack::CheckKeys(const std::vector<NodeId>& items) const {
  if (items.size() % 2 != 0) return DataLoss("a key without a value");
  for (std::size_t i = 0; i < items.size(); i += 2) {
    const Node& key = tree_.nodes[items[i]];
    if (key.kind == Kind::kList || key.kind == Kind::kDict || key.kind == Kind::kTensor) {
      return InvalidArgument("a key that is neither a text nor a number");
    }
    if (key.text.size() > limits::kPickleKeyBytesMax) {
      return ResourceExhausted("a key of " + std::to_string(key.text.size()) + " bytes");
    }
  }
  return Ok();
}

Status PickleStack::Extend(Kind kind, const std::vector<NodeId>& items) {
  auto target = Top();
  if (!target.ok()) return target.status();
  Node& node = tree_.nodes[*target];
  if (node.kind != kind) return DataLoss("adds to what is not made for it");
  if (kind == Kind::kDict) RETURN_IF_ERROR(CheckKeys(items));
  RETURN_IF_ERROR(CountItems(items.size()));
  node.items.insert(node.items.end(), items.begin(), items.end());
  return Ok();
}

Result<std::vector<PickleStack::NodeId>> PickleStack::PopToMark() {
  if (marks_.empty()) return DataLoss("takes a mark that is not there");
  std::vector<NodeId> items(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()),
                            stack_.end());
  stack_.resize(marks_.back());
  marks_.pop_back();
  return items;
}

Status PickleStack::MakeTuple(std::size_t count) {
  std::vector<NodeId> items(count);
  for (std::size_t i = count; i-- > 0;) {
    auto item = Pop();
    if (!item.ok()) return item.status();
    items[i] = *item;
  }
  return Push({.kind = Kind::kTuple, .items = std::move(items)});
}

Status PickleStack::Remember(std::uint64_t key) {
  auto top = Top();
  if (!top.ok()) return top.status();
  if (memo_.size() >= limits::kPickleNodesMax)
    return ResourceExhausted("remembers too many values");
  memo_[key] = *top;
  return Ok();
}

Status PickleStack::Recall(std::uint64_t key) {
  auto found = memo_.find(key);
  if (found == memo_.end()) {
    return DataLoss("recalls value " + std::to_string(key) + ", which was never remembered");
  }
  stack_.push_back(found->second);
  return Ok();
}

Result<PickleTree> PickleStack::Finish() {
  auto root = Pop();
  if (!root.ok()) return root.status();
  if (!stack_.empty() || !marks_.empty()) return DataLoss("ends with values left over");
  tree_.root_id = *root;
  RETURN_IF_ERROR(CheckShape());
  return std::move(tree_);
}

// Visits everything below the root once, without recursion: a node's depth is one more than the
// greatest of its items'.
Status PickleStack::CheckShape() {
  constexpr std::size_t kOpen = ~std::size_t{0};
  struct Visit {
    NodeId id;
    std::size_t next;
  };
  std::vector<std::size_t> depth(tree_.nodes.size(), 0);  // 0: not seen
  std::vector<Visit> path = {{tree_.root_id, 0}};
  depth[tree_.root_id] = kOpen;
  while (!path.empty()) {
    auto& [id, next] = path.back();
    Node& node = tree_.nodes[id];
    if (next == 0 && node.kind == Kind::kStorage) {
      return InvalidArgument("a storage that belongs to no tensor; save tensors");
    }
    if (next == 0 && node.kind == Kind::kDict) DropRepeatedKeys(node);
    if (next < node.items.size()) {
      const NodeId item = node.items[next++];
      if (depth[item] == kOpen) return InvalidArgument("a value that contains itself");
      if (depth[item] != 0) continue;
      depth[item] = kOpen;
      if (path.size() >= limits::kPickleDepthMax) return ResourceExhausted("nested too deeply");
      path.push_back({item, 0});
      continue;
    }
    std::size_t deepest = 0;
    for (const NodeId item : node.items) deepest = std::max(deepest, depth[item]);
    depth[id] = deepest + 1;
    if (depth[id] > limits::kPickleDepthMax) return ResourceExhausted("nested too deeply");
    path.pop_back();
  }
  return Ok();
}

// As Python: the first place, the last value.
void PickleStack::DropRepeatedKeys(Node& dict) {
  using Key = std::tuple<Kind, std::int64_t, std::string_view>;
  std::map<Key, std::size_t> places;
  std::vector<NodeId> items;
  for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const Node& name = tree_.nodes[dict.items[i]];
    const bool plain = name.kind == Kind::kText || name.kind == Kind::kInt;
    const auto [found, fresh] = places.emplace(
        Key{name.kind, plain ? name.integer : dict.items[i], name.text}, items.size());
    if (fresh) {
      items.push_back(dict.items[i]);
      items.push_back(dict.items[i + 1]);
    } else {
      items[found->second + 1] = dict.items[i + 1];
    }
  }
  dict.items = std::move(items);
}

}  // namespace fusor
