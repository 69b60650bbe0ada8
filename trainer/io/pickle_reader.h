#pragma once

// Reads the pickles that Python's torch.save makes of state dicts, protocols 2 to 5. It builds
// plain values and descriptions of tensors; it calls nothing. The names it understands are those of
// OrderedDict, of torch's storage, size, device and type objects, and of the functions that put
// tensors together; any other name is refused, and named.

#include <cstddef>
#include <span>

#include "common/base/status.h"
#include "trainer/io/pickle_tree.h"

namespace fusor {

// `pickle` is one whole pickle. The tree has no cycles and is no deeper than
// limits::kPickleDepthMax; every tensor lies within the bytes that the pickle claims for its
// storage (whether these are there is for the archive to say). Messages begin with the offset in
// the pickle.
Result<PickleTree> ReadPickle(std::span<const std::byte> pickle);

}  // namespace fusor
