#include "coordinator/store/coalesce.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <type_traits>
#include <variant>

#include "common/base/random.h"

namespace fusor {

namespace {

using RowKey = Coalescer::RowKey;

// The kind is the place in the variant, from 1.
template <class Row, std::size_t kAt = 0>
constexpr std::size_t KindOf() {
  if constexpr (std::is_same_v<std::variant_alternative_t<kAt, Write>, Row>) {
    return kAt + 1;
  } else {
    return KindOf<Row, kAt + 1>();
  }
}

RowKey KeyOf(AttemptId attempt) { return {KindOf<PutAttempt>(), attempt.value}; }

RowKey KeyOf(const Write& write) {
  const std::size_t kind = write.index() + 1;
  if (const auto* trial = std::get_if<PutTrial>(&write)) {
    return {kind, trial->key.sweep.value, trial->key.stage, trial->key.cell};
  }
  if (const auto* attempt = std::get_if<PutAttempt>(&write)) return KeyOf(attempt->id);
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

std::size_t Coalescer::PlaceOf(const RowKey& key, std::span<const Write> writes) const {
  const std::size_t mask = table_.size() - 1;
  std::size_t place = HashOf(key) & mask;
  while (table_[place] != 0 && KeyOf(writes[table_[place] - 1]) != key) place = (place + 1) & mask;
  return place;
}

bool Coalescer::EndsHere(AttemptId attempt, std::span<const Write> writes) const {
  const std::uint32_t last = table_[PlaceOf(KeyOf(attempt), writes)];
  if (last == 0) return false;
  const AttemptState state = std::get<PutAttempt>(writes[last - 1]).state;
  return state == AttemptState::kEnded || state == AttemptState::kLost;
}

const std::vector<std::uint8_t>& Coalescer::Superseded(std::span<const Write> writes) {
  superseded_.assign(writes.size(), 0);
  table_.assign(std::bit_ceil(std::max<std::size_t>(16, 2 * writes.size())), 0);
  for (std::size_t i = writes.size(); i-- > 0;) {
    const RowKey key = KeyOf(writes[i]);
    if (key.kind == 0) continue;
    const std::size_t place = PlaceOf(key, writes);
    if (table_[place] == 0) {
      table_[place] = static_cast<std::uint32_t>(i + 1);
    } else {
      superseded_[i] = 1;
    }
  }
  for (std::size_t i = 0; i < writes.size(); ++i) {
    const auto* cursor = std::get_if<PutCursor>(&writes[i]);
    if (cursor != nullptr && EndsHere(cursor->attempt, writes)) superseded_[i] = 1;
  }
  return superseded_;
}

}  // namespace fusor
