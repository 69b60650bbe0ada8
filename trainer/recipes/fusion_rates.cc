#include "trainer/recipes/fusion_rates.h"

namespace fusor {
namespace {

constexpr std::int64_t kWide = 1'000;
constexpr std::int64_t kMedium = 500;
constexpr std::int64_t kNarrow = 100;

}  // namespace

FusionRates OwnFusionRates(const std::string& fusion, std::int64_t feature_size) {
  const bool transformer = fusion == "TransformerBase";
  const bool additive =
      fusion == "multiplicativeAddition" || fusion == "concatenation" || fusion == "simpleAddition";
  FusionRates rates{.base = transformer ? 5e-5 : 1e-4,
                    .head = transformer ? 2e-4
                            : additive  ? 1e-3
                                        : 5e-4};
  if (feature_size > kWide) {
    rates.base *= 0.7;
    rates.head *= 0.8;
  } else if (feature_size < kNarrow) {
    rates.base *= 1.3;
    rates.head *= 1.2;
  }
  if (transformer && feature_size > kMedium) rates.base *= 0.8;
  if (fusion == "multiplicative" && feature_size < kMedium) rates.base *= 1.1;
  return rates;
}

FusionRates FusionRatesOf(const Config& config, std::int64_t feature_size) {
  FusionRates rates = OwnFusionRates(config.Text("fusion"), feature_size);
  if (config.Has("learning_rate")) rates.base = config.Float("learning_rate");
  if (config.Has("head_learning_rate")) rates.head = config.Float("head_learning_rate");
  return rates;
}

}  // namespace fusor
