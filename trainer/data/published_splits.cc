#include "trainer/data/published_splits.h"

namespace fusor {
namespace {

constexpr std::uint32_t kCifar100Holdout[] = {
#include "cifar100_fusion_holdout.inc"
};

}  // namespace

std::span<const std::uint32_t> Cifar100FusionHoldout() { return kCifar100Holdout; }

}  // namespace fusor
