#pragma once

// Which network, and how large. One set of names for all models; each has the values by which it is
// known for its own, and siblings of any size.
//
//   model                depth          width                   besides
//   densenet             121, 6 n + 4   stem (2 x growth)       growth (channels a layer adds)
//   resnet               10, 18         first group's channels
//   improved_wide_resnet 6 n + 4        widening factor
//   resnext              9 n + 2        channels per group      cardinality, preactivation

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"

namespace fusor {

struct NetworkOptions {
  std::string model = "resnet";
  std::int64_t classes = 100;
  // Without a value: the model's own.
  std::optional<std::int64_t> depth;
  std::optional<std::int64_t> width;
  std::optional<std::int64_t> growth;
  std::optional<std::int64_t> cardinality;
  std::optional<bool> preactivation;
  std::optional<double> dropout;
};

// In the order in which people should read them.
std::vector<std::string> ModelNames();

// With every value that the model has filled in; refuses what it does not have or cannot be.
Result<NetworkOptions> CompleteOptions(const NetworkOptions& given);

// Sets one of the options from text, "depth=10". kNotFound: there is no such option.
Status SetOption(NetworkOptions& options, std::string_view name, std::string_view text);

// Networks with commas between, each its model and what is to be different of it: "resnet depth=10
// width=16, densenet". Refuses what CompleteOptions would.
Result<std::vector<NetworkOptions>> ReadNetworks(std::string_view text);

}  // namespace fusor
