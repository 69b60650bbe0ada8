#pragma once

// fusor-train predict PATH PICTURE... | --range A:B [top=5] [heads=all] [key=value...]
// What a trained model takes pictures for.

#include <span>

namespace fusor {

// The arguments behind `predict`. The exit status.
int RunPredict(std::span<const char* const> arguments);

}  // namespace fusor
