#include "coordinator/store/checkpointer.h"

namespace fusor {

namespace {

constexpr std::int64_t kFrameHeaderBytes = 24;

int NotePages(void* pages, sqlite3* /*connection*/, const char* /*schema*/, int count) {
  *static_cast<int*>(pages) = count;
  return SQLITE_OK;
}

}  // namespace

Checkpointer::Checkpointer(const sql::Database& database, std::int64_t every_pages)
    : connection_(database.handle()),
      every_pages_(every_pages),
      due_pages_(every_pages),
      pages_(std::make_unique<int>(0)) {
  const Result<std::int64_t> page_size = database.QueryInt("PRAGMA page_size");
  if (page_size.ok()) page_size_ = *page_size;
  sqlite3_wal_hook(connection_, NotePages, pages_.get());
}

void Checkpointer::AfterCommit() {
  if (*pages_ < due_pages_) return;
  int in_log = 0;
  int moved = 0;
  const int result =
      sqlite3_wal_checkpoint_v2(connection_, "main", SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved);
  last_error_ = result == SQLITE_OK ? Ok() : sql::ErrorOf(connection_, result);
  // Moved entirely, the log starts over with the next write. Otherwise a reader holds the rest: try
  // again when as much has come on top.
  const bool starts_over = result == SQLITE_OK && moved == in_log;
  due_pages_ = starts_over ? every_pages_ : *pages_ + every_pages_;
}

std::uint64_t Checkpointer::wal_bytes() const {
  return static_cast<std::uint64_t>(*pages_) *
         static_cast<std::uint64_t>(page_size_ + kFrameHeaderBytes);
}

}  // namespace fusor
