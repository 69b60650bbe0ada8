#include "coordinator/store/coalesce.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <variant>

#include "common/base/random.h"

namespace fusor {

namespace {

// Which row a write replaces. `kind` 0: it adds or removes, and is never superseded.
struct RowKey {
  std::size_t kind = 0;
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  std::uint64_t third = 0;
  friend bool operator==(const RowKey&, const RowKey&) = default;
};

RowKey KeyOf(const Write& write) {
  const std::size_t kind = write.index() + 1;
  if (const auto* trial = std::get_if<PutTrial>(&write)) {
    return {kind, trial->key.sweep.value, trial->key.stage, trial->key.cell};
  }
  if (const auto* attempt = std::get_if<PutAttempt>(&write)) return {kind, attempt->id.value};
  if (const auto* cursor = std::get_if<PutCursor>(&write)) {
    return {kind, cursor->attempt.value, cursor->rank};
  }
  if (const auto* sweep = std::get_if<PutSweep>(&write)) return {kind, sweep->id.value};
  if (const auto* worker = std::get_if<PutWorker>(&write)) return {kind, worker->id.value};
  return {};
}

std::uint64_t HashOf(const RowKey& key) {
  return Mix(key.third ^ key.first << 40 ^ key.second << 56, key.kind);
}

}  // namespace

const std::vector<std::uint8_t>& Coalescer::Superseded(std::span<const Write> writes) {
  superseded_.assign(writes.size(), 0);
  const std::size_t size = std::bit_ceil(std::max<std::size_t>(16, 2 * writes.size()));
  table_.assign(size, 0);
  for (std::size_t i = writes.size(); i-- > 0;) {
    const RowKey key = KeyOf(writes[i]);
    if (key.kind == 0) continue;
    std::size_t place = HashOf(key) & (size - 1);
    while (table_[place] != 0 && KeyOf(writes[table_[place] - 1]) != key) {
      place = (place + 1) & (size - 1);
    }
    if (table_[place] == 0) {
      table_[place] = static_cast<std::uint32_t>(i + 1);
    } else {
      superseded_[i] = 1;
    }
  }
  return superseded_;
}

}  // namespace fusor
