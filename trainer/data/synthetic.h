#pragma once

// Images made on the spot for machines without a data set: each class is a small set of waves in
// space and colour, each image a shifted, dimmed and noisy view of its class. A network learns
// them; a guess is right one time in ten. The same on every machine.

#include "trainer/data/image_set.h"

namespace fusor {

ImageData MakeSyntheticImages();

}  // namespace fusor
