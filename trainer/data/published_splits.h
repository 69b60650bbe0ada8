#pragma once

// Divisions of data sets that published results were made with, from deploy/splits.

#include <cstddef>
#include <cstdint>
#include <span>

namespace fusor {

inline constexpr std::size_t kCifar100TrainingImages = 50'000;

// The 10,000 training images of CIFAR-100 that are held out for fusion, ascending.
std::span<const std::uint32_t> Cifar100FusionHoldout();

}  // namespace fusor
