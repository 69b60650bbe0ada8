#include "trainer/io/zip_writer.h"

#include "common/base/check.h"
#include "trainer/io/crc32.h"

namespace fusor {

Status ZipWriter::Add(const std::string& name, std::span<const std::byte> data) {
  CHECK(name.size() < kZip16Max);
  ZipRecord record{name, at_, 0, data.size(), Crc32(data)};
  const std::string header = ZipLocalHeader(record);
  RETURN_IF_ERROR(file_.Write(header.data(), header.size()));
  RETURN_IF_ERROR(file_.Write(data.data(), data.size()));
  at_ = record.begin + record.size;
  ++records_;
  directory_ += ZipCentralHeader(record);
  return Ok();
}

Status ZipWriter::Add(const std::string& name, std::string_view text) {
  return Add(name, std::as_bytes(std::span(text.data(), text.size())));
}

Status ZipWriter::Finish() {
  directory_ += ZipEnd({records_, at_, directory_.size()});
  return file_.Write(directory_.data(), directory_.size());
}

}  // namespace fusor
