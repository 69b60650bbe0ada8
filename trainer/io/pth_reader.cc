#include "trainer/io/pth_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/recipe/value.h"
#include "trainer/io/pickle_reader.h"

namespace fusor {
namespace {

using Kind = PickleTree::Kind;
using Node = PickleTree::Node;

// Stored tensors may be views that repeat elements. So much more than the file itself they may
// take.
constexpr std::uint64_t kRepeatFactor = 8;
constexpr std::uint64_t kRepeatBytes = 64 << 20;
constexpr int kFormatMax = 10;

bool StartsWith(std::span<const std::byte> file, std::string_view text) {
  return file.size() >= text.size() && std::memcmp(file.data(), text.data(), text.size()) == 0;
}

// What people have instead of a zip archive.
Status ExplainOther(std::span<const std::byte> file) {
  if (StartsWith(file, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19")) {
    return InvalidArgument(
        "offset 0: the format that torch.save had before 1.6; convert it in Python: "
        "torch.save(torch.load(FILE, map_location='cpu', weights_only=True), NEW_FILE)");
  }
  if (StartsWith(file, "\x80")) return InvalidArgument("offset 0: a bare pickle; use torch.save");
  if (StartsWith(file, "version https://git-lfs")) {
    return InvalidArgument("offset 0: a pointer of Git LFS, not the file itself; run git lfs pull");
  }
  return DataLoss("offset 0: neither a zip archive of torch.save nor a safetensors file");
}

// The folder of the archive, or why it is no torch file.
Result<std::string> FindFolder(const ZipReader& zip) {
  std::optional<std::string> folder;
  for (const ZipRecord& record : zip.records()) {
    const std::size_t slash = record.name.find('/');
    const std::string_view rest =
        std::string_view(record.name).substr(slash == std::string::npos ? 0 : slash + 1);
    if (rest == "constants.pkl" || rest.starts_with("code/")) {
      return InvalidArgument(
          "a TorchScript archive; save its tensors in Python: "
          "torch.save(torch.jit.load(FILE, map_location='cpu').state_dict(), NEW_FILE)");
    }
    if (rest != "data.pkl" || slash == std::string::npos) continue;
    if (folder) return DataLoss("two records end in /data.pkl");
    folder = record.name.substr(0, slash + 1);
  }
  if (!folder) return DataLoss("a zip archive without FOLDER/data.pkl: not made by torch.save");
  return *folder;
}

std::string_view Trim(std::span<const std::byte> bytes) {
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return text;
}

// Copies dimension `d` and those after it; `from` is the first element's place.
void Gather(const StoredTensor& tensor, std::size_t d, const std::byte* from, std::byte*& to) {
  const std::size_t element = TensorTypeBytes(tensor.type);
  const auto count = static_cast<std::size_t>(tensor.shape[d]);
  const std::size_t step = static_cast<std::size_t>(tensor.strides[d]) * element;
  if (d + 1 < tensor.shape.size()) {
    for (std::size_t i = 0; i < count; ++i) Gather(tensor, d + 1, from + i * step, to);
    return;
  }
  if (step == element) {
    std::memcpy(to, from, count * element);
    to += count * element;
    return;
  }
  for (std::size_t i = 0; i < count; ++i, to += element) std::memcpy(to, from + i * step, element);
}

bool IsContiguous(const StoredTensor& tensor) {
  std::int64_t expected = 1;
  for (std::size_t d = tensor.shape.size(); d-- > 0;) {
    if (tensor.shape[d] != 1 && tensor.strides[d] != expected) return false;
    expected *= tensor.shape[d];
  }
  return true;
}

void DropPrefix(StateDict& dict, std::string_view prefix) {
  for (const auto& entry : dict.entries) {
    if (!entry.name.starts_with(prefix) || entry.name.size() == prefix.size()) return;
  }
  for (auto& entry : dict.entries) entry.name.erase(0, prefix.size());
}

bool HasTensor(const PickleTree& tree, const Node& node) {
  if (node.kind != Kind::kDict) return false;
  for (std::size_t i = 1; i < node.items.size(); i += 2) {
    if (tree.Get(node.items[i]).kind == Kind::kTensor) return true;
  }
  return false;
}

}  // namespace

Result<PthReader> PthReader::Parse(std::span<const std::byte> file) {
  if (!StartsWith(file, "PK")) return ExplainOther(file);
  auto zip = ZipReader::Parse(file);
  if (!zip.ok()) return zip.status();
  auto folder = FindFolder(*zip);
  if (!folder.ok()) return folder.status();
  PthReader reader(std::move(*zip));
  RETURN_IF_ERROR(reader.CheckFormat(*folder));
  const ZipRecord& record = *reader.zip_.Find(*folder + "data.pkl");
  if (record.size > limits::kPickleBytesMax) {
    return ResourceExhausted("data.pkl has " + std::to_string(record.size) + " bytes; at most " +
                             std::to_string(limits::kPickleBytesMax) + " are read");
  }
  auto pickle = reader.zip_.Read(record);
  if (!pickle.ok()) return pickle.status();
  auto tree = ReadPickle(*pickle);
  if (!tree.ok()) return Status(tree.status().code(), "data.pkl: " + tree.status().message());
  reader.tree_ = std::move(*tree);
  RETURN_IF_ERROR(reader.CheckStorages(*folder));
  std::uint64_t bytes = 0;
  for (const StoredTensor& tensor : reader.tree_.tensors) {
    const auto more = TensorBytes(tensor.type, tensor.shape);
    if (__builtin_add_overflow(bytes, *more, &bytes) ||
        bytes > kRepeatFactor * file.size() + kRepeatBytes) {
      return ResourceExhausted("tensors much larger than the file: they repeat their elements");
    }
  }
  return reader;
}

Status PthReader::CheckFormat(const std::string& folder) const {
  if (const ZipRecord* record = zip_.Find(folder + "byteorder")) {
    auto order = zip_.Read(*record);
    if (!order.ok()) return order.status();
    if (Trim(*order) != "little") {
      return InvalidArgument("saved by a big-endian machine; only little-endian files are read");
    }
  }
  for (const char* name : {"version", ".format_version"}) {
    const ZipRecord* record = zip_.Find(folder + name);
    if (record == nullptr) continue;
    auto bytes = zip_.Read(*record);
    if (!bytes.ok()) return bytes.status();
    const std::string_view text = Trim(*bytes);
    int version = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
    if (error != std::errc() || version < 1 || version > kFormatMax) {
      return InvalidArgument("record '" + std::string(name) + "': format " +
                             JsonQuote(text.substr(0, 16)) + "; 1 to " +
                             std::to_string(kFormatMax) + " are read");
    }
  }
  return Ok();
}

Status PthReader::CheckStorages(const std::string& folder) {
  for (const StoredTensor& tensor : tree_.tensors) {
    auto known = storages_.find(tensor.storage);
    if (known == storages_.end()) {
      const ZipRecord* record = zip_.Find(folder + "data/" + tensor.storage);
      if (record == nullptr) {
        return DataLoss("the archive has no record " +
                        JsonQuote(folder + "data/" + tensor.storage));
      }
      auto bytes = zip_.Read(*record);
      if (!bytes.ok()) return bytes.status();
      known = storages_.emplace(tensor.storage, *bytes).first;
    }
    if (known->second.size() < tensor.storage_bytes) {
      return DataLoss("record " + JsonQuote(folder + "data/" + tensor.storage) + " has " +
                      std::to_string(known->second.size()) + " bytes, expected " +
                      std::to_string(tensor.storage_bytes));
    }
  }
  return Ok();
}

void PthReader::Copy(const StoredTensor& tensor, std::span<std::byte> into) const {
  CHECK(TensorBytes(tensor.type, tensor.shape) == into.size());
  if (into.empty()) return;
  const auto storage = storages_.find(tensor.storage);
  CHECK(storage != storages_.end());
  const std::byte* from = storage->second.data() +
                          static_cast<std::size_t>(tensor.offset) * TensorTypeBytes(tensor.type);
  if (IsContiguous(tensor)) {
    std::memcpy(into.data(), from, into.size());
    return;
  }
  std::byte* to = into.data();
  Gather(tensor, 0, from, to);
}

Result<StateDict> FindStateDict(const PickleTree& tree) {
  const Node* node = &tree.root();
  for (const char* key : {"model_state_dict", "state_dict", "model"}) {
    const Node* below = tree.Find(tree.root(), key);
    if (below == nullptr || !HasTensor(tree, *below)) continue;
    node = below;
    break;
  }
  if (!HasTensor(tree, *node)) {
    return InvalidArgument(
        "no tensors by name, neither at the top nor below 'model_state_dict', 'state_dict' or "
        "'model'");
  }
  StateDict dict;
  for (std::size_t i = 0; i < node->items.size(); i += 2) {
    const Node& name = tree.Get(node->items[i]);
    const Node& value = tree.Get(node->items[i + 1]);
    if (value.kind == Kind::kTensor && name.kind == Kind::kText) {
      dict.entries.push_back({name.text, &tree.TensorOf(value)});
    } else if (node != &tree.root()) {
      return InvalidArgument("the state dict has " + JsonQuote(name.text) +
                             ", which is no tensor with a name");
    }
  }
  if (dict.entries.empty()) return InvalidArgument("the state dict's tensors have no names");
  for (const char* prefix : {"module.", "_orig_mod.", "module."}) DropPrefix(dict, prefix);
  return dict;
}

}  // namespace fusor
