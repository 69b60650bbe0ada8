#include "trainer/precision/loss_scaler.h"

#include <algorithm>

namespace fusor {

void LossScaler::OnFinite() {
  if (++state_.good_steps < kGrowAfter) return;
  state_ = {std::min(state_.scale * 2, kScaleMax), 0};
}

void LossScaler::OnOverflow() { state_ = {std::max(state_.scale / 2, kScaleMin), 0}; }

}  // namespace fusor
