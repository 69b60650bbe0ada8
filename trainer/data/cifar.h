#pragma once

// CIFAR-10 and CIFAR-100 in their official binary form. Any whole number of records is accepted, so
// that subsets of the official files can be used; anything else is refused with file, offset and
// what was expected there. Files with a manifest (common/dataset/manifest.h) must be as it says.
//
//   CIFAR-10   record = label, 3072 pixels           data_batch_1..5.bin, test_batch.bin
//   CIFAR-100  record = coarse, fine, 3072 pixels    train.bin, test.bin

#include <string>

#include "common/base/status.h"
#include "trainer/data/image_set.h"

namespace fusor {

// Below `datasets_dir`: cifar-10-batches-bin/.
Result<ImageData> ReadCifar10(const std::string& datasets_dir);
// Below `datasets_dir`: cifar-100-binary/. Labels are the fine ones.
Result<ImageData> ReadCifar100(const std::string& datasets_dir);

}  // namespace fusor
