#include "tests/harness/archive_maker.h"

#include <archive.h>
#include <archive_entry.h>

#include "common/base/check.h"

namespace fusor::harness {

namespace {

void Describe(archive_entry* to, const ArchiveEntry& entry) {
  using Kind = ArchiveEntry::Kind;
  archive_entry_set_pathname(to, entry.name.c_str());
  archive_entry_set_perm(to, 0644);
  archive_entry_set_filetype(to, AE_IFREG);
  switch (entry.kind) {
    case Kind::kFile:
      archive_entry_set_size(to, static_cast<la_int64_t>(entry.content.size()));
      break;
    case Kind::kFolder:
      archive_entry_set_filetype(to, AE_IFDIR);
      break;
    case Kind::kSymbolicLink:
      archive_entry_set_filetype(to, AE_IFLNK);
      archive_entry_set_symlink(to, entry.content.c_str());
      break;
    case Kind::kHardLink:
      archive_entry_set_hardlink(to, entry.content.c_str());
      break;
    case Kind::kFifo:
      archive_entry_set_filetype(to, AE_IFIFO);
      break;
  }
}

}  // namespace

std::string MakeArchive(const std::vector<ArchiveEntry>& entries, Packing packing) {
  std::size_t room = 1 << 16;
  for (const ArchiveEntry& entry : entries) room += 2 * entry.content.size() + 4'096;
  std::string bytes(room, '\0');
  std::size_t used = 0;
  archive* writer = archive_write_new();
  if (packing == Packing::kZip) {
    CHECK(archive_write_set_format_zip(writer) == ARCHIVE_OK);
  } else {
    CHECK(archive_write_set_format_pax_restricted(writer) == ARCHIVE_OK);
    CHECK(archive_write_add_filter_gzip(writer) == ARCHIVE_OK);
    // No time in the header: the same entries make the same archive.
    CHECK(archive_write_set_filter_option(writer, "gzip", "timestamp", nullptr) == ARCHIVE_OK);
  }
  archive_write_set_bytes_in_last_block(writer, 1);
  CHECK(archive_write_open_memory(writer, bytes.data(), bytes.size(), &used) == ARCHIVE_OK);
  for (const ArchiveEntry& entry : entries) {
    archive_entry* header = archive_entry_new();
    Describe(header, entry);
    CHECK(archive_write_header(writer, header) == ARCHIVE_OK);
    if (entry.kind == ArchiveEntry::Kind::kFile) {
      CHECK(archive_write_data(writer, entry.content.data(), entry.content.size()) ==
            static_cast<la_ssize_t>(entry.content.size()));
    }
    archive_entry_free(header);
  }
  CHECK(archive_write_close(writer) == ARCHIVE_OK);
  archive_write_free(writer);
  bytes.resize(used);
  return bytes;
}

}  // namespace fusor::harness
