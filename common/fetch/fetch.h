#pragma once

// Brings a data set here: downloaded (or taken from a file), compared with its size and checksum,
// unpacked beside the data sets and moved into place as a whole. Its folder is there complete or
// not at all, whenever the program or the machine stops. What is under way lies in .fetch below
// the folder of the data sets; a later run goes on from it.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include "common/base/status.h"
#include "common/base/time.h"
#include "common/dataset/known_dataset.h"

namespace fusor {

enum class FetchPhase : std::uint8_t { kWaiting, kDownloading, kChecking, kUnpacking };

// "downloading"
std::string_view FetchPhaseName(FetchPhase phase);

struct FetchProgress {
  FetchPhase phase = FetchPhase::kDownloading;
  std::uint64_t done = 0;  // bytes of the archive
  std::uint64_t total = 0;
};

struct FetchOptions {
  std::filesystem::path datasets;  // made when it is not there
  std::string from;                // a mirror; empty: the data set's own addresses
  std::stop_token stop;
  std::function<void(const FetchProgress&)> progress;  // several times a second
  Duration retry_wait{500};                            // see download.h
};

struct Fetched {
  bool was_there = false;        // nothing was done
  std::filesystem::path folder;  // of the data set
  std::string from;              // the address it came from; empty when it was there
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;  // of the files
};

// Any thread; several at once, of one data set too: the later ones wait.
Result<Fetched> FetchDataset(const KnownDataset& dataset, const FetchOptions& options);

// Bytes that an interrupted fetch has left to go on from.
std::uint64_t BytesBegun(const KnownDataset& dataset, const std::filesystem::path& datasets);

}  // namespace fusor
