#include "trainer/io/safetensors.h"

#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "trainer/io/atomic_file.h"
#include "trainer/io/tensor_memory.h"

namespace fusor {
namespace {

struct Layout {
  SafetensorsHeader header;
  std::vector<std::size_t> order;  // of the tensors in the data
};

Result<Layout> PlanLayout(std::span<const NamedTensor> tensors,
                          const std::map<std::string, std::string>& metadata) {
  Layout layout;
  layout.header.metadata = metadata;
  const std::vector<std::size_t> tied = FindTied(tensors);
  std::vector<TensorEntry> entries;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    auto type = ToTensorType(tensors[i]);
    if (!type.ok()) return type.status();
    if (!IsSafetensorsType(*type)) {
      return InvalidArgument("tensor '" + tensors[i].name + "' is " +
                             std::string(TensorTypeName(*type)) + ", which safetensors lacks");
    }
    entries.push_back({tensors[i].name, *type, tensors[i].tensor.sizes().vec(), 0, 0});
    if (tied[i] == i) {
      layout.order.push_back(i);
    } else if (!layout.header.metadata.emplace(tensors[i].name, tensors[tied[i]].name).second) {
      return InvalidArgument("tensor '" + tensors[i].name + "' has the name of a metadata entry");
    }
  }
  // The data begins at a multiple of 8; in this order every tensor stays aligned to its elements.
  std::stable_sort(layout.order.begin(), layout.order.end(), [&](std::size_t a, std::size_t b) {
    return TensorTypeBytes(entries[a].type) > TensorTypeBytes(entries[b].type);
  });
  std::uint64_t next = 0;
  for (const std::size_t i : layout.order) {
    entries[i].begin = next;
    next +=
        static_cast<std::uint64_t>(tensors[i].tensor.numel()) * TensorTypeBytes(entries[i].type);
    entries[i].end = next;
    layout.header.tensors.push_back(std::move(entries[i]));
  }
  return layout;
}

}  // namespace

Status WriteSafetensors(const std::string& path, std::span<const NamedTensor> tensors,
                        const std::map<std::string, std::string>& metadata) {
  auto layout = PlanLayout(tensors, metadata);
  if (!layout.ok()) return Status(layout.status().code(), path + ": " + layout.status().message());
  auto file = AtomicFile::Create(path);
  if (!file.ok()) return file.status();
  std::string text = FormatSafetensorsHeader(layout->header);
  RETURN_IF_ERROR(file->Write(text.data(), text.size()));
  for (const std::size_t i : layout->order) {
    at::Tensor plain = tensors[i].tensor.detach().cpu().contiguous();
    RETURN_IF_ERROR(file->Write(plain.const_data_ptr(), plain.nbytes()));
  }
  return file->Commit();
}

SafetensorsFile::SafetensorsFile(MappedFile file, SafetensorsHeader header,
                                 std::uint64_t data_begin)
    : file_(std::move(file)), header_(std::move(header)), data_begin_(data_begin) {
  for (std::size_t i = 0; i < header_.tensors.size(); ++i) {
    places_.emplace(header_.tensors[i].name, i);
  }
}

Result<SafetensorsFile> SafetensorsFile::Open(const std::string& path) {
  auto file = MappedFile::Open(path);
  if (!file.ok()) return file.status();
  const auto bytes = file->bytes();
  std::uint64_t length;
  if (bytes.size() < sizeof length) return DataLoss(path + ": too short for a safetensors file");
  std::memcpy(&length, bytes.data(), sizeof length);
  const std::size_t rest = bytes.size() - sizeof length;
  if (length > kSafetensorsHeaderBytesMax || length > rest) {
    return DataLoss(path + ": offset 0: a header of " + std::to_string(length) +
                    " bytes in a file of " + std::to_string(bytes.size()));
  }
  std::string_view json(reinterpret_cast<const char*>(bytes.data()) + sizeof length, length);
  auto header = ParseSafetensorsHeader(json, rest - length);
  if (!header.ok()) return Status(header.status().code(), path + ": " + header.status().message());
  return SafetensorsFile(std::move(*file), std::move(*header), sizeof length + length);
}

const TensorEntry* SafetensorsFile::Find(std::string_view name) const {
  auto place = places_.find(name);
  if (place == places_.end()) {
    auto tied = header_.metadata.find(std::string(name));
    if (tied == header_.metadata.end()) return nullptr;
    place = places_.find(tied->second);
  }
  return place == places_.end() ? nullptr : &header_.tensors[place->second];
}

std::vector<std::string> SafetensorsFile::TiedNames() const {
  std::vector<std::string> names;
  for (const auto& [name, first] : header_.metadata) {
    if (!places_.contains(name) && places_.contains(first)) names.push_back(name);
  }
  return names;
}

std::span<const std::byte> SafetensorsFile::Bytes(const TensorEntry& entry) const {
  return file_.bytes().subspan(data_begin_ + entry.begin, entry.end - entry.begin);
}

Result<at::Tensor> SafetensorsFile::Read(const TensorEntry& entry) const {
  auto tensor = NewTensor(entry.type, entry.shape);
  if (!tensor.ok())
    return Status(tensor.status().code(), file_.path() + ": " + tensor.status().message());
  auto bytes = Bytes(entry);
  // The data of a file may start anywhere; copying also serves what is not aligned.
  if (!bytes.empty()) std::memcpy(tensor->data_ptr(), bytes.data(), bytes.size());
  return tensor;
}

Result<at::Tensor> SafetensorsFile::View(const TensorEntry& entry) const {
  auto bytes = Bytes(entry);
  const auto place = reinterpret_cast<std::uintptr_t>(bytes.data());
  if (bytes.empty() || place % TensorTypeBytes(entry.type) != 0) return Read(entry);
  auto* data = const_cast<std::byte*>(bytes.data());
  return at::from_blob(
      data, entry.shape, [keep = file_](void*) {}, ToScalarType(entry.type));
}

Status SafetensorsFile::ReadInto(const std::string& name, at::Tensor& into) const {
  const TensorEntry* entry = Find(name);
  if (entry == nullptr) return DataLoss(file_.path() + ": has no tensor '" + name + "'");
  if (into.sizes() != at::IntArrayRef(entry->shape) ||
      into.scalar_type() != ToScalarType(entry->type)) {
    return DataLoss(file_.path() + ": tensor '" + name + "' is " +
                    std::string(TensorTypeName(entry->type)) + ShapeText(entry->shape) +
                    ", expected " + Describe(into));
  }
  auto read = View(*entry);
  if (!read.ok()) return read.status();
  into.detach().copy_(*read);
  return Ok();
}

}  // namespace fusor
