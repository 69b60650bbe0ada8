#pragma once

// The keys of a step's dropout on the device, renewed before each step: so that a step which was
// recorded draws other masks whenever it is run again.

#include <ATen/core/Tensor.h>

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace fusor {

class DropoutKeys {
 public:
  // Brings a tensor to the device.
  using Bring = std::function<at::Tensor(const at::Tensor&)>;

  explicit DropoutKeys(Bring bring) : bring_(std::move(bring)) {}

  // `step` counts parts of steps, as Pass::step does; what is asked for next are this one and those
  // behind it. Every key that was ever asked for is there then.
  void Renew(std::int64_t step);

  // What Mix(key, element) adds the element to, a scalar; of a layer in a pass. The same memory for
  // the same part of each step.
  at::Tensor At(std::uint64_t seed, std::int64_t step, const std::string& layer);

 private:
  struct Key {
    std::uint64_t seed = 0;
    std::int64_t part = 0;
    std::string layer;
    auto operator<=>(const Key&) const = default;
  };

  std::int64_t BaseOf(const Key& key) const;
  void Grow();

  const Bring bring_;
  std::int64_t step_ = 0;
  std::map<Key, std::int64_t> places_;
  at::Tensor there_;  // as many as there is room for
};

}  // namespace fusor
