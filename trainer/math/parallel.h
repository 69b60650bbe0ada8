#pragma once

// Work on LibTorch's own threads.

#include <cstdint>
#include <functional>

namespace fusor {

// Calls `work` with ranges that together cover [0, count), at once on up to as many threads as the
// trial has and as get `least` each; alone where this is called from within such work.
void ParallelFor(std::int64_t count, std::int64_t least,
                 const std::function<void(std::int64_t begin, std::int64_t end)>& work);

}  // namespace fusor
