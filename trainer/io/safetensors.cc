#include "trainer/io/safetensors.h"

#include <ATen/ops/empty.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "trainer/io/atomic_file.h"

namespace fusor {
namespace {

struct TypePair {
  TensorType file;
  at::ScalarType memory;
};

constexpr TypePair kPairs[] = {
    {TensorType::kBool, at::kBool},
    {TensorType::kU8, at::kByte},
    {TensorType::kI8, at::kChar},
    {TensorType::kF8E5M2, at::kFloat8_e5m2},
    {TensorType::kF8E4M3, at::kFloat8_e4m3fn},
    {TensorType::kI16, at::kShort},
    {TensorType::kU16, at::kUInt16},
    {TensorType::kF16, at::kHalf},
    {TensorType::kBF16, at::kBFloat16},
    {TensorType::kI32, at::kInt},
    {TensorType::kU32, at::kUInt32},
    {TensorType::kF32, at::kFloat},
    {TensorType::kI64, at::kLong},
    {TensorType::kU64, at::kUInt64},
    {TensorType::kF64, at::kDouble},
};

at::ScalarType ToScalarType(TensorType type) {
  for (const TypePair& pair : kPairs) {
    if (pair.file == type) return pair.memory;
  }
  return at::ScalarType::Undefined;
}

Result<TensorType> ToTensorType(const NamedTensor& named) {
  for (const TypePair& pair : kPairs) {
    if (pair.memory == named.tensor.scalar_type()) return pair.file;
  }
  return InvalidArgument("tensor '" + named.name + "' has a type that safetensors does not know: " +
                         c10::toString(named.tensor.scalar_type()));
}

std::string ShapeText(at::IntArrayRef shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i > 0 ? "," : "") + std::to_string(shape[i]);
  }
  return text + "]";
}

}  // namespace

Status WriteSafetensors(const std::string& path, std::span<const NamedTensor> tensors,
                        const std::map<std::string, std::string>& metadata) {
  SafetensorsHeader header;
  header.metadata = metadata;
  std::uint64_t next = 0;
  for (const NamedTensor& named : tensors) {
    auto type = ToTensorType(named);
    if (!type.ok()) return type.status();
    TensorEntry entry{named.name, *type, named.tensor.sizes().vec(), next, 0};
    next += static_cast<std::uint64_t>(named.tensor.numel()) * TensorTypeBytes(*type);
    entry.end = next;
    header.tensors.push_back(std::move(entry));
  }
  auto file = AtomicFile::Create(path);
  if (!file.ok()) return file.status();
  std::string text = FormatSafetensorsHeader(header);
  RETURN_IF_ERROR(file->Write(text.data(), text.size()));
  for (const NamedTensor& named : tensors) {
    at::Tensor plain = named.tensor.detach().cpu().contiguous();
    RETURN_IF_ERROR(file->Write(plain.const_data_ptr(), plain.nbytes()));
  }
  return file->Commit();
}

class SafetensorsFile::Mapping {
 public:
  Mapping(void* data, std::size_t size) : data_(data), size_(size) {}
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { munmap(data_, size_); }

  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data_), size_}; }

 private:
  void* data_;
  std::size_t size_;
};

Result<SafetensorsFile> SafetensorsFile::Open(const std::string& path) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return NotFound(path + ": " + std::strerror(errno));
  struct stat info;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size < 8) {
    close(fd);
    return DataLoss(path + ": too short for a safetensors file, or no file");
  }
  auto size = static_cast<std::size_t>(info.st_size);
  void* data = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  int error = errno;
  close(fd);
  if (data == MAP_FAILED) return Unavailable(path + ": " + std::strerror(error));
  SafetensorsFile file;
  file.path_ = path;
  file.mapping_ = std::make_shared<const Mapping>(data, size);
  std::uint64_t length;
  std::memcpy(&length, data, sizeof length);
  if (length > kSafetensorsHeaderBytesMax || length > size - 8) {
    return DataLoss(path + ": offset 0: a header of " + std::to_string(length) +
                    " bytes in a file of " + std::to_string(size));
  }
  std::string_view json(static_cast<const char*>(data) + 8, length);
  auto header = ParseSafetensorsHeader(json, size - 8 - length);
  if (!header.ok()) return Status(header.status().code(), path + ": " + header.status().message());
  file.header_ = std::move(*header);
  file.data_begin_ = 8 + length;
  return file;
}

const TensorEntry* SafetensorsFile::Find(const std::string& name) const {
  for (const TensorEntry& entry : header_.tensors) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

std::span<const std::byte> SafetensorsFile::Bytes(const TensorEntry& entry) const {
  return mapping_->bytes().subspan(data_begin_ + entry.begin, entry.end - entry.begin);
}

at::Tensor SafetensorsFile::Read(const TensorEntry& entry) const {
  at::Tensor tensor = at::empty(entry.shape, ToScalarType(entry.type));
  auto bytes = Bytes(entry);
  // The data of a file may start anywhere; copying also serves what is not aligned.
  if (!bytes.empty()) std::memcpy(tensor.data_ptr(), bytes.data(), bytes.size());
  return tensor;
}

Status SafetensorsFile::ReadInto(const std::string& name, at::Tensor& into) const {
  const TensorEntry* entry = Find(name);
  if (entry == nullptr) return DataLoss(path_ + ": has no tensor '" + name + "'");
  if (into.sizes() != at::IntArrayRef(entry->shape) ||
      into.scalar_type() != ToScalarType(entry->type)) {
    return DataLoss(path_ + ": tensor '" + name + "' is " +
                    std::string(TensorTypeName(entry->type)) + ShapeText(entry->shape) +
                    ", expected " + c10::toString(into.scalar_type()) + ShapeText(into.sizes()));
  }
  into.detach().copy_(Read(*entry));
  return Ok();
}

}  // namespace fusor
