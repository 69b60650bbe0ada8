#pragma once

// fusor-train predict RUN|FILE PICTURE... [top=5] [heads=all] [key=value...]

#include <span>

namespace fusor {

// The arguments behind `predict`. The exit status.
int RunPredict(std::span<const char* const> arguments);

}  // namespace fusor
