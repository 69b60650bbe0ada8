#include "trainer/io/pth.h"

#include "trainer/io/mapped_file.h"
#include "trainer/io/pth_reader.h"
#include "trainer/io/pth_writer.h"
#include "trainer/io/tensor_memory.h"

namespace fusor {
namespace {

Status InFile(const std::string& path, const Status& status) {
  return Status(status.code(), path + ": " + status.message());
}

NamedValues ValuesOf(const PickleTree& tree) {
  using Kind = PickleTree::Kind;
  NamedValues values;
  const PickleTree::Node& root = tree.root();
  if (root.kind != Kind::kDict) return values;
  for (std::size_t i = 0; i < root.items.size(); i += 2) {
    const PickleTree::Node& name = tree.Get(root.items[i]);
    const PickleTree::Node& value = tree.Get(root.items[i + 1]);
    if (name.kind != Kind::kText) continue;
    if (value.kind == Kind::kBool) values.emplace_back(name.text, value.flag);
    if (value.kind == Kind::kInt) values.emplace_back(name.text, value.integer);
    if (value.kind == Kind::kFloat) values.emplace_back(name.text, value.real);
    if (value.kind == Kind::kText) values.emplace_back(name.text, value.text);
  }
  return values;
}

}  // namespace

Status WritePth(const std::string& path, const std::string& tensors_key,
                std::span<const NamedTensor> tensors, const NamedValues& values) {
  PthContents contents{.tensors_key = tensors_key, .values = values};
  const std::vector<std::size_t> tied = FindTied(tensors);
  std::vector<at::Tensor> kept;  // what the storages point into
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    auto type = ToTensorType(tensors[i]);
    if (!type.ok()) return InFile(path, type.status());
    std::size_t storage = contents.storages.size();
    if (tied[i] == i) {
      kept.push_back(tensors[i].tensor.detach().cpu().contiguous());
      contents.storages.push_back(BytesOf(kept.back()));
    } else {
      storage = contents.tensors[tied[i]].storage;
    }
    contents.tensors.push_back({tensors[i].name, *type, tensors[i].tensor.sizes().vec(), storage});
  }
  return WritePthFile(path, contents);
}

Result<PthFile> ReadPth(const std::string& path) {
  auto file = MappedFile::Open(path);
  if (!file.ok()) return file.status();
  auto reader = PthReader::Parse(file->bytes());
  if (!reader.ok()) return InFile(path, reader.status());
  auto dict = FindStateDict(reader->tree());
  if (!dict.ok()) return InFile(path, dict.status());
  PthFile read{.values = ValuesOf(reader->tree())};
  for (const StateDict::Entry& entry : dict->entries) {
    auto tensor = NewTensor(entry.tensor->type, entry.tensor->shape);
    if (!tensor.ok()) return InFile(path, tensor.status());
    reader->Copy(*entry.tensor, BytesOf(*tensor));
    read.tensors.push_back({entry.name, std::move(*tensor)});
  }
  return read;
}

}  // namespace fusor
