#pragma once

// Data sets that can be fetched, and a fetch under way, as people and programs read them.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "client/format/table.h"
#include "client/view/pace.h"
#include "common/dataset/known_dataset.h"
#include "common/fetch/fetch.h"

namespace fusor::client {

// With what of each is below `datasets`.
Table DataTable(const std::vector<KnownDataset>& known, const std::filesystem::path& datasets);

Json FetchedJson(const KnownDataset& dataset, const Fetched& fetched);

// "downloading cifar100  42%  67 MiB of 161 MiB  11 MiB/s  8s left", with a bar where there is
// `look.width`.
class FetchLine {
 public:
  FetchLine(std::string name, const Look& look) : name_(std::move(name)), look_(look) {}

  // For a terminal, drawn again in place.
  std::string Draw(const FetchProgress& progress, Time now);
  // For a file or pipe: a line where a phase begins and at each tenth of a download, else nothing.
  std::optional<std::string> Say(const FetchProgress& progress);

 private:
  void Enter(FetchPhase phase);

  const std::string name_;
  const Look look_;
  std::optional<FetchPhase> phase_;
  int tenths_ = 0;
  Pace pace_;
  std::optional<std::pair<Time, std::uint64_t>> first_;  // of this phase
};

}  // namespace fusor::client
