#include "coordinator/store/worker_rows.h"

#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "coordinator/store/json_list.h"
#include "coordinator/store/state_rows.h"

namespace fusor {

namespace {

constexpr std::string_view kPutWorker =
    "REPLACE INTO worker (id, uid, incarnation, name, version, state, reason, draining,"
    " drain_deadline_ms, seen_ms, precisions, datasets, labels, notes)"
    " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
constexpr std::string_view kDropSlots = "DELETE FROM worker_slot WHERE worker = ?";
constexpr std::string_view kPutSlot =
    "REPLACE INTO worker_slot (worker, position, slot, gpu, device_uuid, device_name, gpu_type,"
    " device_memory_gib, cpus, memory_gib, disk_gib, note) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)";
constexpr std::string_view kSelectWorkers =
    "SELECT id, uid, incarnation, name, version, state, reason, draining, drain_deadline_ms,"
    " seen_ms, precisions, datasets, labels, notes FROM worker ORDER BY id";
constexpr std::string_view kSelectSlots =
    "SELECT worker, slot, gpu, device_uuid, device_name, gpu_type, device_memory_gib, cpus,"
    " memory_gib, disk_gib, note FROM worker_slot ORDER BY worker, position";

// Workers say these numbers; one that is not finite would make the row, and with it the whole
// transaction, impossible.
double Finite(double value) { return std::isfinite(value) ? value : 0; }

// What is there; which archives, and what a worker would fetch, it says anew when it comes back.
std::string DatasetsJson(const std::vector<DatasetInfo>& datasets) {
  std::map<std::string, std::string> pairs;
  for (const DatasetInfo& dataset : datasets) {
    if (dataset.here()) pairs[dataset.name] = dataset.fingerprint;
  }
  return ToJson(pairs);
}

Result<PutWorker> ReadWorker(const sql::Statement& row) {
  sql::Columns columns(row);
  PutWorker worker;
  worker.id = {columns.Int<std::uint64_t>()};
  worker.info.uid = columns.Text();
  worker.info.incarnation = columns.Int<std::uint64_t>();
  worker.info.name = columns.Text();
  worker.info.version = columns.Text();
  worker.state = columns.Text();
  worker.reason = columns.Text();
  worker.draining = columns.Int() != 0;
  worker.drain_deadline = rows::TimeOrNever(columns.Int());
  worker.seen = FromUnixMillis(columns.Int());
  Result<std::vector<std::string>> precisions = TextsFromJson(columns.View());
  if (!precisions.ok()) return precisions.status();
  worker.info.precisions = std::move(*precisions);
  const Result<std::map<std::string, std::string>> datasets = PairsFromJson(columns.View());
  if (!datasets.ok()) return datasets.status();
  for (const auto& [name, fingerprint] : *datasets) {
    worker.info.datasets.push_back({.name = name, .fingerprint = fingerprint, .archive = {}});
  }
  Result<Labels> labels = PairsFromJson(columns.View());
  if (!labels.ok()) return labels.status();
  worker.info.labels = std::move(*labels);
  Result<std::vector<std::string>> notes = TextsFromJson(columns.View());
  if (!notes.ok()) return notes.status();
  worker.info.notes = std::move(*notes);
  return worker;
}

SlotInfo ReadSlot(sql::Columns& columns) {
  SlotInfo slot;
  slot.index = columns.Int<std::uint32_t>();
  slot.gpu = columns.Int() != 0;
  slot.device_uuid = columns.Text();
  slot.device_name = columns.Text();
  slot.gpu_type = columns.Text();
  slot.device_memory_gib = columns.Real();
  slot.cpus = columns.Int<int>();
  slot.memory_gib = columns.Real();
  slot.disk_gib = columns.Real();
  return slot;
}

}  // namespace

Result<WorkerRows> WorkerRows::Prepare(const sql::Database& database) {
  WorkerRows rows;
  RETURN_IF_ERROR(database.PrepareInto(rows.put_worker_, kPutWorker));
  RETURN_IF_ERROR(database.PrepareInto(rows.drop_slots_, kDropSlots));
  RETURN_IF_ERROR(database.PrepareInto(rows.put_slot_, kPutSlot));
  return rows;
}

Status WorkerRows::Write(const PutWorker& row) {
  const WorkerInfo& info = row.info;
  const std::string precisions = ToJson(info.precisions);
  const std::string datasets = DatasetsJson(info.datasets);
  const std::string labels = ToJson(info.labels);
  const std::string notes = ToJson(info.notes);
  RETURN_IF_ERROR(put_worker_.Run(row.id.value, info.uid, info.incarnation, info.name, info.version,
                                  row.state, row.reason, row.draining,
                                  rows::MillisOrNever(row.drain_deadline), ToUnixMillis(row.seen),
                                  precisions, datasets, labels, notes));
  RETURN_IF_ERROR(drop_slots_.Run(row.id.value));
  for (std::size_t i = 0; i < info.slots.size(); ++i) {
    const SlotInfo& slot = info.slots[i];
    // Beside "" the text itself would be copied, and the view be of the copy.
    const std::string_view note =
        i < row.slot_notes.size() ? std::string_view(row.slot_notes[i]) : "";
    RETURN_IF_ERROR(put_slot_.Run(row.id.value, i, slot.index, slot.gpu, slot.device_uuid,
                                  slot.device_name, slot.gpu_type, Finite(slot.device_memory_gib),
                                  slot.cpus, Finite(slot.memory_gib), Finite(slot.disk_gib), note));
  }
  return Ok();
}

Result<std::vector<PutWorker>> ReadWorkers(const sql::Database& database) {
  std::vector<PutWorker> workers;
  std::map<std::uint64_t, std::size_t> places;
  sql::Statement select;
  RETURN_IF_ERROR(database.PrepareInto(select, kSelectWorkers));
  while (select.Next()) {
    Result<PutWorker> worker = ReadWorker(select);
    if (!worker.ok()) return worker.status();
    places[worker->id.value] = workers.size();
    workers.push_back(std::move(*worker));
  }
  RETURN_IF_ERROR(select.status());
  RETURN_IF_ERROR(database.PrepareInto(select, kSelectSlots));
  while (select.Next()) {
    sql::Columns columns(select);
    const auto place = places.find(columns.Int<std::uint64_t>());
    if (place == places.end()) continue;
    PutWorker& worker = workers[place->second];
    worker.info.slots.push_back(ReadSlot(columns));
    worker.slot_notes.push_back(columns.Text());
  }
  RETURN_IF_ERROR(select.status());
  return workers;
}

}  // namespace fusor
