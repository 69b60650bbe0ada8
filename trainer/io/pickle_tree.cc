#include "trainer/io/pickle_tree.h"

namespace fusor {

const PickleTree::Node* PickleTree::Find(const Node& node, std::string_view key) const {
  if (node.kind != Kind::kDict) return nullptr;
  for (std::size_t i = 0; i + 1 < node.items.size(); i += 2) {
    const Node& name = nodes[node.items[i]];
    if (name.kind == Kind::kText && name.text == key) return &nodes[node.items[i + 1]];
  }
  return nullptr;
}

}  // namespace fusor
