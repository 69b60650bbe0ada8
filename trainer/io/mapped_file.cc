#include "trainer/io/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "trainer/io/descriptor.h"

namespace fusor {

class MappedFile::Mapping {
 public:
  Mapping(void* data, std::size_t size) : data_(data), size_(size) {}
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (size_ > 0) munmap(data_, size_);
  }

  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data_), size_}; }

 private:
  void* data_;
  std::size_t size_;
};

Result<MappedFile> MappedFile::Open(const std::string& path) {
  // Without waiting: a pipe of that name must not hold the program up.
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.open()) {
    const std::string message = path + ": cannot be opened: " + std::strerror(errno);
    return errno == ENOENT ? NotFound(message) : Unavailable(message);
  }
  struct stat info;
  if (fstat(file.get(), &info) != 0) return Unavailable(path + ": " + std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return InvalidArgument(path + ": is no regular file");
  const auto size = static_cast<std::size_t>(info.st_size);
  void* data = nullptr;
  if (size > 0) {
    data = mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
    if (data == MAP_FAILED) {
      return Unavailable(path + ": cannot be mapped: " + std::strerror(errno));
    }
  }
  return MappedFile(path, std::make_shared<const Mapping>(data, size));
}

std::span<const std::byte> MappedFile::bytes() const { return mapping_->bytes(); }

}  // namespace fusor
