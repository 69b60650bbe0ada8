#include "trainer/models/dropout_keys.h"

#include <ATen/ops/zeros.h>

#include <algorithm>

#include "common/base/random.h"
#include "trainer/models/draw.h"

namespace fusor {

namespace {

constexpr std::int64_t kRoomAtFirst = 64;

}  // namespace

void DropoutKeys::Renew(std::int64_t step) {
  step_ = step;
  if (places_.empty()) return;
  const at::Tensor here = at::zeros({there_.size(0)}, at::kLong);
  std::int64_t* bases = here.mutable_data_ptr<std::int64_t>();
  for (const auto& [key, place] : places_) bases[place] = BaseOf(key);
  there_.copy_(bring_(here));
}

at::Tensor DropoutKeys::At(std::uint64_t seed, std::int64_t step, const std::string& layer) {
  const auto next = static_cast<std::int64_t>(places_.size());
  const auto [found, added] = places_.insert({{seed, step - step_, layer}, next});
  if (added) {
    Grow();
    there_[next].fill_(BaseOf(found->first));
  }
  return there_[found->second];
}

std::int64_t DropoutKeys::BaseOf(const Key& key) const {
  const auto step = static_cast<std::uint64_t>(step_ + key.part);
  return static_cast<std::int64_t>(MixBase(DrawKey(Mix(key.seed, step), key.layer)));
}

void DropoutKeys::Grow() {
  const std::int64_t room = there_.defined() ? there_.size(0) : 0;
  if (static_cast<std::int64_t>(places_.size()) <= room) return;
  const at::Tensor larger = bring_(at::zeros({std::max(2 * room, kRoomAtFirst)}, at::kLong));
  if (room > 0) larger.narrow(0, 0, room).copy_(there_);
  there_ = larger;
}

}  // namespace fusor
