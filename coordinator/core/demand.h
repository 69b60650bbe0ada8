#pragma once

// What a class of trials demands of a slot, what a slot offers, and whether the two meet. Pure
// functions; every mismatch has its reason in words.

#include <string>
#include <vector>

#include "common/base/session.h"
#include "coordinator/core/grid.h"

namespace fusor::core {

struct Demand {
  Requirement requirement;
  std::string copy;  // of the data set, pinned by the sweep's first grant (CopyOf); empty = any
};

// What all slots of one group have in common.
struct Offer {
  SlotInfo slot;  // index and device_uuid are empty
  std::vector<std::string> precisions;
  std::vector<DatasetInfo> datasets;
  Labels labels;
};

enum class Match { kNo, kFallback, kNative };

struct MatchResult {
  Match match = Match::kNo;
  std::vector<std::string> missing;  // why not, most general first
};

MatchResult MatchOffer(const Demand& demand, const Offer& offer);

// Equal keys = equal demands (offers).
std::string KeyOf(const Demand& demand);
std::string KeyOf(const Offer& offer);

Offer OfferOf(const WorkerInfo& worker, const SlotInfo& slot);

// The worker's copy, or what it would fetch; nothing when it has none and fetches none.
const DatasetInfo* FindDataset(const std::vector<DatasetInfo>& datasets, const std::string& name);

// By what a sweep holds on to a copy: the archive it is from, where that is known, so that a
// worker which has yet to fetch it counts as having it; else its contents' fingerprint.
const std::string& CopyOf(const DatasetInfo& dataset);

// "2 gpu slots on one worker, precision bf16, data cifar100".
std::string Describe(const Requirement& requirement);

// "20" or "7.5".
std::string GibText(double gib);

}  // namespace fusor::core
