#include "coordinator/core/demand.h"

#include <algorithm>

#include "common/base/count.h"

namespace fusor::core {

namespace {

const char* DeviceName(DeviceKind kind) {
  switch (kind) {
    case DeviceKind::kCpu:
      return "cpu";
    case DeviceKind::kGpu:
      return "gpu";
    case DeviceKind::kAny:
      return "";
  }
  return "";
}

void Expect(MatchResult& result, bool met, const std::string& reason) {
  if (!met) result.missing.push_back(reason);
}

void MatchDevice(const Requirement& want, const SlotInfo& slot, MatchResult& result) {
  const Resources& resources = want.resources;
  if (resources.device != DeviceKind::kAny) {
    Expect(result, slot.gpu == (resources.device == DeviceKind::kGpu),
           slot.gpu ? "its slots are gpus" : "its slots are no gpus");
  }
  if (!want.gpu_type.empty()) {
    Expect(result, slot.gpu_type == want.gpu_type,
           "gpu type is " + (slot.gpu_type.empty() ? "none" : slot.gpu_type) + ", not " +
               want.gpu_type);
  }
  if (resources.device_memory_gib > 0 && (slot.gpu || resources.device == DeviceKind::kGpu)) {
    Expect(result, slot.device_memory_gib >= resources.device_memory_gib,
           "device memory " + GibText(slot.device_memory_gib) + " of " +
               GibText(resources.device_memory_gib) + " GiB");
  }
}

void MatchHost(const Resources& want, const SlotInfo& slot, MatchResult& result) {
  Expect(result, slot.cpus >= want.cpus,
         std::to_string(slot.cpus) + " of " + CountOf(want.cpus, "cpu") + " per slot");
  Expect(
      result, slot.memory_gib >= want.memory_gib,
      "memory " + GibText(slot.memory_gib) + " of " + GibText(want.memory_gib) + " GiB per slot");
  Expect(result, slot.disk_gib >= want.disk_gib,
         "disk " + GibText(slot.disk_gib) + " of " + GibText(want.disk_gib) + " GiB per slot");
}

void MatchData(const Demand& demand, const Offer& offer, MatchResult& result) {
  const std::string& name = demand.requirement.dataset;
  if (name.empty()) return;
  const DatasetInfo* dataset = FindDataset(offer.datasets, name);
  Expect(result, dataset != nullptr, "data set " + name + " is not there");
  if (dataset == nullptr || demand.copy.empty()) return;
  const bool same = dataset->fingerprint == demand.copy || dataset->archive == demand.copy;
  const std::string theirs = dataset->here() ? dataset->fingerprint : dataset->archive;
  Expect(result, same,
         (dataset->here() ? "its data set " + name + " has fingerprint "
                          : "it would fetch data set " + name + " as ") +
             theirs.substr(0, 12) + ", the sweep began with " + demand.copy.substr(0, 12));
}

void Field(std::string& key, const std::string& text) {
  key += std::to_string(text.size());
  key += ':';
  key += text;
}

void Field(std::string& key, double number) { Field(key, std::to_string(number)); }

void Field(std::string& key, const Labels& labels) {
  for (const auto& [name, value] : labels) {
    Field(key, name);
    Field(key, value);
  }
  key += ';';
}

}  // namespace

std::string GibText(double gib) {
  std::string text = std::to_string(gib);
  text.resize(text.find('.') + 2);
  if (text.back() == '0') text.resize(text.size() - 2);
  return text;
}

const DatasetInfo* FindDataset(const std::vector<DatasetInfo>& datasets, const std::string& name) {
  const auto found = std::find_if(datasets.begin(), datasets.end(),
                                  [&](const DatasetInfo& dataset) { return dataset.name == name; });
  return found == datasets.end() ? nullptr : &*found;
}

const std::string& CopyOf(const DatasetInfo& dataset) {
  return dataset.archive.empty() ? dataset.fingerprint : dataset.archive;
}

MatchResult MatchOffer(const Demand& demand, const Offer& offer) {
  const Requirement& want = demand.requirement;
  MatchResult result;
  MatchDevice(want, offer.slot, result);
  for (const auto& [name, value] : want.resources.labels) {
    const auto found = offer.labels.find(name);
    if (found != offer.labels.end() && found->second == value) continue;
    result.missing.push_back("label " + name + " is " +
                             (found == offer.labels.end() ? "not set" : found->second) + ", not " +
                             value);
  }
  const auto offers = [&](const std::string& precision) {
    return std::find(offer.precisions.begin(), offer.precisions.end(), precision) !=
           offer.precisions.end();
  };
  const bool native = want.precision.empty() || offers(want.precision);
  const bool fallback = !want.fallback_precision.empty() && offers(want.fallback_precision);
  Expect(result, native || fallback, "precision " + want.precision + " is not offered");
  MatchData(demand, offer, result);
  MatchHost(want.resources, offer.slot, result);
  if (result.missing.empty()) result.match = native ? Match::kNative : Match::kFallback;
  return result;
}

Offer OfferOf(const WorkerInfo& worker, const SlotInfo& slot) {
  Offer offer{slot, worker.precisions, worker.datasets, worker.labels};
  offer.slot.index = 0;
  offer.slot.device_uuid.clear();
  std::sort(offer.precisions.begin(), offer.precisions.end());
  std::sort(offer.datasets.begin(), offer.datasets.end(),
            [](const DatasetInfo& a, const DatasetInfo& b) { return a.name < b.name; });
  return offer;
}

std::string KeyOf(const Demand& demand) {
  const Requirement& want = demand.requirement;
  const Resources& resources = want.resources;
  std::string key;
  for (const int number :
       {static_cast<int>(resources.device), resources.slots, resources.per_worker,
        static_cast<int>(resources.spread), resources.cpus}) {
    Field(key, number);
  }
  for (const double gib : {resources.device_memory_gib, resources.memory_gib, resources.disk_gib}) {
    Field(key, gib);
  }
  Field(key, resources.labels);
  for (const std::string& text :
       {want.precision, want.fallback_precision, want.gpu_type, want.dataset, demand.copy}) {
    Field(key, text);
  }
  return key;
}

std::string KeyOf(const Offer& offer) {
  std::string key = offer.slot.gpu ? "gpu" : "cpu";
  Field(key, offer.slot.device_name);
  Field(key, offer.slot.gpu_type);
  for (const double number : {offer.slot.device_memory_gib, static_cast<double>(offer.slot.cpus),
                              offer.slot.memory_gib, offer.slot.disk_gib}) {
    Field(key, number);
  }
  for (const std::string& precision : offer.precisions) Field(key, precision);
  key += ';';
  for (const DatasetInfo& dataset : offer.datasets) {
    Field(key, dataset.name);
    Field(key, dataset.fingerprint);
    Field(key, dataset.archive);
  }
  key += ';';
  Field(key, offer.labels);
  return key;
}

std::string Describe(const Requirement& requirement) {
  const Resources& resources = requirement.resources;
  const std::string device = DeviceName(resources.device);
  std::string text = CountOf(resources.slots, device.empty() ? "slot" : device + " slot");
  if (resources.per_worker > 0) {
    text += ", " + std::to_string(resources.per_worker) + " on each worker";
  } else if (resources.slots > 1) {
    text += resources.spread == Spread::kOneWorker ? " on one worker" : " on any workers";
  }
  if (!requirement.gpu_type.empty()) text += ", type " + requirement.gpu_type;
  if (!requirement.precision.empty()) text += ", precision " + requirement.precision;
  if (!requirement.dataset.empty()) text += ", data " + requirement.dataset;
  return text;
}

}  // namespace fusor::core
