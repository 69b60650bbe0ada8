#include "client/view/cluster_view.h"

#include <cmath>
#include <map>

#include "client/format/clock.h"
#include "client/format/text.h"
#include "client/view/convert.h"

namespace fusor::client {

namespace {

// "8 x H200, 2 x cpu"
std::string DevicesText(const v1::Worker& worker) {
  std::map<std::string, int> kinds;
  for (const v1::Slot& slot : worker.slots()) {
    ++kinds[slot.gpu() ? (slot.gpu_type().empty() ? "gpu" : slot.gpu_type()) : "cpu"];
  }
  std::vector<std::string> parts;
  for (const auto& [kind, count] : kinds) parts.push_back(std::to_string(count) + " x " + kind);
  return Join(parts, ", ");
}

std::string DeviceText(const v1::Slot& slot) {
  if (slot.gpu()) return slot.device_name().empty() ? slot.gpu_type() : slot.device_name();
  return "cpu";
}

std::string GibText(double gib) {
  return gib > 0 ? NumberText(std::round(gib * 10) / 10) + " GiB" : "";
}

std::string LabelsText(const v1::Worker& worker) {
  std::vector<std::string> parts;
  for (const auto& [key, value] :
       std::map<std::string, std::string>(worker.labels().begin(), worker.labels().end())) {
    parts.push_back(key + "=" + value);
  }
  return Join(parts, " ");
}

// Those that are there, or those that the worker would fetch.
std::vector<std::string> DatasetNames(const v1::Worker& worker, bool here) {
  std::vector<std::string> names;
  for (const v1::Dataset& dataset : worker.datasets()) {
    if (dataset.fingerprint().empty() != here) names.push_back(dataset.name());
  }
  return names;
}

Style StyleOfWorker(const std::string& state) {
  if (state == "connected") return Style::kGood;
  return state == "gone" ? Style::kFaint : Style::kWarn;
}

Json SlotJson(const v1::Slot& slot) {
  Json json = Json::Object();
  json.Set("index", slot.index()).Set("gpu", slot.gpu()).Set("device_uuid", slot.device_uuid());
  json.Set("device_name", slot.device_name()).Set("gpu_type", slot.gpu_type());
  json.Set("device_memory_gib", slot.device_memory_gib()).Set("cpus", slot.cpus());
  json.Set("memory_gib", slot.memory_gib()).Set("disk_gib", slot.disk_gib());
  json.Set("condition", slot.condition());
  json.Set("trial", slot.trial().empty() ? Json() : Json(slot.trial()));
  return json;
}

Json SlotsJson(const v1::Worker& worker) {
  Json json = Json::Array();
  for (const v1::Slot& slot : worker.slots()) json.Add(SlotJson(slot));
  return json;
}

std::uint64_t Busy(const v1::Worker& worker) {
  std::uint64_t busy = 0;
  for (const v1::Slot& slot : worker.slots()) busy += slot.attempt() != 0 ? 1 : 0;
  return busy;
}

}  // namespace

Table WorkerTable(const v1::ListWorkersResponse& response, Time now) {
  Table table;
  table.columns = {{"id", "ID", true},
                   {"name", "NAME"},
                   {"uid", "", false, false, Show::kData},
                   {"state", "STATE"},
                   {"busy", "BUSY", true},
                   {"devices", "SLOTS"},
                   {"precisions", "PRECISIONS", false, true},
                   {"datasets", "DATA", false, true},
                   {"fetchable", "FETCHES", false, true},
                   {"labels", "LABELS", false, true},
                   {"version", "VERSION"},
                   {"seen", "SEEN", true},
                   {"reason", "", false, false, Show::kData},
                   {"notes", "", false, false, Show::kData},
                   {"slots", "", false, false, Show::kData}};
  table.id_column = 1;
  for (const v1::Worker& worker : response.workers()) {
    const std::uint64_t busy = Busy(worker);
    const Time seen = FromProto(worker.seen());
    const std::vector<std::string> precisions(worker.precisions().begin(),
                                              worker.precisions().end());
    const std::vector<std::string> datasets = DatasetNames(worker, true);
    const std::vector<std::string> fetchable = DatasetNames(worker, false);
    Row row;
    row.emplace_back(worker.id(), std::to_string(worker.id()), Style::kStrong);
    row.emplace_back(worker.name());
    row.emplace_back(worker.uid());
    row.emplace_back(worker.state(), worker.state(), StyleOfWorker(worker.state()));
    row.emplace_back(busy, std::to_string(busy) + "/" + std::to_string(worker.slots_size()),
                     busy > 0 ? Style::kActive : Style::kPlain);
    row.emplace_back(DevicesText(worker));
    row.emplace_back(Json::Texts(precisions), Join(precisions, " "));
    row.emplace_back(Json::Texts(datasets), Join(datasets, " "));
    row.emplace_back(Json::Texts(fetchable), Join(fetchable, " "));
    row.emplace_back(LabelsText(worker));
    row.emplace_back(worker.version(), worker.version(), Style::kFaint);
    row.emplace_back(TimeJson(seen), worker.state() == "connected" ? "now" : AgoText(seen, now),
                     Style::kFaint);
    row.emplace_back(worker.reason());
    row.emplace_back(Json::Texts({worker.notes().begin(), worker.notes().end()}), "");
    row.emplace_back(SlotsJson(worker), "");
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table SlotTable(const v1::ListWorkersResponse& response) {
  Table table;
  table.columns = {{"worker", "WORKER"},
                   {"slot", "SLOT", true},
                   {"device", "DEVICE"},
                   {"device_uuid", "", false, false, Show::kData},
                   {"device_memory_gib", "DEVICE MEMORY", true},
                   {"cpus", "CPUS", true},
                   {"memory_gib", "MEMORY", true},
                   {"trial", "TRIAL"},
                   {"trial_name", "NAME", false, true},
                   {"condition", "CONDITION", false, true}};
  for (const v1::Worker& worker : response.workers()) {
    for (const v1::Slot& slot : worker.slots()) {
      Row row;
      row.emplace_back(worker.name());
      row.emplace_back(slot.index(), std::to_string(slot.index()));
      row.emplace_back(DeviceText(slot));
      row.emplace_back(slot.device_uuid());
      row.emplace_back(slot.device_memory_gib(), GibText(slot.device_memory_gib()));
      row.emplace_back(slot.cpus(), std::to_string(slot.cpus()));
      row.emplace_back(slot.memory_gib(), GibText(slot.memory_gib()));
      row.emplace_back(slot.trial(), slot.trial(), Style::kActive);
      row.emplace_back(slot.trial_name());
      row.emplace_back(slot.condition(), slot.condition(), Style::kBad);
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

std::string WorkerNotes(const v1::ListWorkersResponse& response, const Look& look) {
  std::string out;
  const auto note = [&](const v1::Worker& worker, const std::string& text) {
    out += look.Paint(worker.name(), Style::kStrong) + ": " + text + "\n";
  };
  for (const v1::Worker& worker : response.workers()) {
    if (!worker.reason().empty() && worker.state() != "connected") {
      note(worker, worker.state() + ", " + worker.reason());
    }
    for (const v1::Slot& slot : worker.slots()) {
      if (slot.condition().empty()) continue;
      note(worker, look.Paint("slot " + std::to_string(slot.index()) + " " + slot.condition(),
                              Style::kBad));
    }
    for (const std::string& text : worker.notes()) note(worker, text);
  }
  return out.empty() ? out : "\n" + out;
}

}  // namespace fusor::client
