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
  if (keys_.empty()) return;
  const at::Tensor here = at::zeros({there_.size(0)}, at::kLong);
  std::int64_t* bases = here.mutable_data_ptr<std::int64_t>();
  for (std::size_t i = 0; i < keys_.size(); ++i) bases[i] = BaseOf(keys_[i]);
  there_.copy_(bring_(here));
}

at::Tensor DropoutKeys::At(std::uint64_t seed, std::int64_t step, const std::string& layer) {
  const Key key{seed, step - step_, layer};
  const auto found = std::find(keys_.begin(), keys_.end(), key);
  const std::int64_t index = found - keys_.begin();
  if (found == keys_.end()) {
    keys_.push_back(key);
    Grow();
    there_[index].fill_(BaseOf(key));
  }
  return there_[index];
}

std::int64_t DropoutKeys::BaseOf(const Key& key) const {
  const auto step = static_cast<std::uint64_t>(step_ + key.part);
  return static_cast<std::int64_t>(MixBase(DrawKey(Mix(key.seed, step), key.layer)));
}

void DropoutKeys::Grow() {
  const std::int64_t room = there_.defined() ? there_.size(0) : 0;
  if (static_cast<std::int64_t>(keys_.size()) <= room) return;
  const at::Tensor larger = bring_(at::zeros({std::max(2 * room, kRoomAtFirst)}, at::kLong));
  if (room > 0) larger.narrow(0, 0, room).copy_(there_);
  there_ = larger;
}

}  // namespace fusor
