#pragma once

// `fusor data fetch`: one data set, with its progress.

#include <filesystem>

#include "client/commands/session.h"
#include "common/dataset/known_dataset.h"

namespace fusor::client {

// Returns the exit code.
Result<int> RunFetch(Session& session, const KnownDataset& dataset,
                     const std::filesystem::path& datasets);

}  // namespace fusor::client
