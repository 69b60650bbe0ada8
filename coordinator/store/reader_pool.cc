#include "coordinator/store/reader_pool.h"

#include <algorithm>
#include <utility>

namespace fusor {

struct ReaderPool::Reader {
  std::optional<sql::Database> own;
  sql::Database* database = nullptr;
  std::map<std::string, sql::Statement, std::less<>> statements;
  bool busy = false;
  std::string_view what;
  std::chrono::steady_clock::time_point since;
};

Result<std::unique_ptr<ReaderPool>> ReaderPool::Open(const DatabaseFormat& format,
                                                     const ReadDoor& door, int connections) {
  auto pool = std::unique_ptr<ReaderPool>(new ReaderPool());
  if (door.shared != nullptr) {
    auto reader = std::make_unique<Reader>();
    reader->database = &door.shared->database;
    pool->gate_ = &door.shared->gate;
    pool->readers_.push_back(std::move(reader));
    return pool;
  }
  for (int i = 0; i < std::max(connections, 1); ++i) {
    auto reader = std::make_unique<Reader>();
    Result<sql::Database> database = OpenForReading(format, door.file);
    if (!database.ok()) return database.status();
    reader->own.emplace(std::move(database).value());
    reader->database = &*reader->own;
    pool->readers_.push_back(std::move(reader));
  }
  return pool;
}

ReaderPool::~ReaderPool() = default;

std::unique_ptr<ReaderPool::Lease> ReaderPool::Take(std::string_view what) {
  Reader* taken = nullptr;
  {
    std::unique_lock lock(mutex_);
    freed_.wait(lock, [&] {
      const auto free = std::find_if(readers_.begin(), readers_.end(),
                                     [](const auto& reader) { return !reader->busy; });
      taken = free == readers_.end() ? nullptr : free->get();
      return taken != nullptr;
    });
    taken->busy = true;
    taken->what = what;
    taken->since = std::chrono::steady_clock::now();
  }
  if (gate_ != nullptr) gate_->lock();
  return std::make_unique<Lease>(*this, *taken);
}

void ReaderPool::GiveBack(Reader& reader) {
  if (gate_ != nullptr) gate_->unlock();
  {
    const std::scoped_lock lock(mutex_);
    reader.busy = false;
  }
  freed_.notify_one();
}

std::vector<std::string> ReaderPool::LongReads(Duration age) const {
  const auto now = std::chrono::steady_clock::now();
  std::vector<std::string> names;
  const std::scoped_lock lock(mutex_);
  for (const auto& reader : readers_) {
    if (!reader->busy || now - reader->since < age) continue;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - reader->since);
    names.push_back(std::string(reader->what) + " for " + std::to_string(seconds.count()) + " s");
  }
  return names;
}

ReaderPool::Lease::Lease(ReaderPool& pool, Reader& reader)
    : pool_(pool), reader_(reader), status_(reader.database->Execute("BEGIN")) {}

ReaderPool::Lease::~Lease() {
  for (auto& [text, statement] : reader_.statements) statement.Reset();
  // It only read: however it ends, nothing is lost.
  if (status_.ok()) (void)reader_.database->Execute("COMMIT");
  pool_.GiveBack(reader_);
}

const sql::Database& ReaderPool::Lease::database() const { return *reader_.database; }

Result<sql::Statement*> ReaderPool::Lease::Prepare(const std::string& text) {
  if (!status_.ok()) return status_;
  const auto known = reader_.statements.find(text);
  if (known != reader_.statements.end()) return &known->second;
  Result<sql::Statement> prepared = reader_.database->Prepare(text);
  if (!prepared.ok()) return prepared.status();
  return &reader_.statements.emplace(text, std::move(prepared).value()).first->second;
}

}  // namespace fusor
