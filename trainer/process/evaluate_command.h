#pragma once

// fusor-train evaluate PATH [split=test|val|train] [out=DIR] [key=value...]
// How good a trained model is on a split; of a classifier also by class and what it took for what,
// for every head that gives an answer of its own.

#include <span>

namespace fusor {

// The arguments behind `evaluate`. The exit status.
int RunEvaluate(std::span<const char* const> arguments);

}  // namespace fusor
