#include "coordinator/server/cluster_convert.h"

#include "coordinator/server/convert.h"

namespace fusor {

namespace {

void AddSlot(const SlotInfo& slot, const SlotView* view, const ShownAttempts& attempts,
             v1::Worker& out) {
  v1::Slot& to = *out.add_slots();
  to.set_index(slot.index);
  to.set_gpu(slot.gpu);
  to.set_device_uuid(slot.device_uuid);
  to.set_device_name(slot.device_name);
  to.set_gpu_type(slot.gpu_type);
  to.set_device_memory_gib(slot.device_memory_gib);
  to.set_cpus(slot.cpus);
  to.set_memory_gib(slot.memory_gib);
  to.set_disk_gib(slot.disk_gib);
  if (view == nullptr) return;
  to.set_condition(view->condition);
  to.set_attempt(view->attempt.value);
  const auto found = attempts.find(view->attempt);
  if (found == attempts.end()) return;
  to.set_trial(found->second.trial);
  to.set_trial_name(found->second.name);
}

const SlotView* FindSlot(const WorkerView* view, std::uint32_t index) {
  if (view == nullptr) return nullptr;
  for (const SlotView& slot : view->slots) {
    if (slot.index == index) return &slot;
  }
  return nullptr;
}

}  // namespace

v1::Worker ToWire(const PutWorker& row, const WorkerView* view, const ShownAttempts& attempts) {
  v1::Worker out;
  const WorkerInfo& info = view == nullptr ? row.info : view->info;
  out.set_id(row.id.value);
  out.set_name(info.name);
  out.set_uid(info.uid);
  out.set_state(view != nullptr && view->connected && view->draining ? "draining" : row.state);
  out.set_reason(view == nullptr ? row.reason : view->reason);
  out.set_version(info.version);
  for (const SlotInfo& slot : info.slots) AddSlot(slot, FindSlot(view, slot.index), attempts, out);
  for (const std::string& precision : info.precisions) out.add_precisions(precision);
  for (const DatasetInfo& dataset : info.datasets) {
    v1::Dataset& to = *out.add_datasets();
    to.set_name(dataset.name);
    to.set_fingerprint(dataset.fingerprint);
    to.set_archive(dataset.archive);
  }
  for (const auto& [key, value] : info.labels) (*out.mutable_labels())[key] = value;
  for (const std::string& note : info.notes) out.add_notes(note);
  *out.mutable_seen() = ToWire(row.seen);
  return out;
}

}  // namespace fusor
