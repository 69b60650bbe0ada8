#include "client/view/data_view.h"

#include <algorithm>

#include "client/format/text.h"
#include "common/dataset/presence.h"

namespace fusor::client {

namespace {

constexpr std::size_t kBarColumns = 24;

Cell StateCell(const KnownDataset& set, const std::filesystem::path& datasets) {
  const Presence presence = PresenceOf(set, datasets);
  switch (presence.kind) {
    case PresenceKind::kPresent:
      return {Json("present"), presence.fetched ? "present" : "present, not fetched by fusor",
              Style::kGood};
    case PresenceKind::kDamaged:
      return {Json("damaged"), "damaged: " + presence.detail, Style::kBad};
    case PresenceKind::kAbsent:
      break;
  }
  const std::uint64_t begun = BytesBegun(set, datasets);
  if (begun == 0) return {Json("absent"), "no", Style::kFaint};
  const double part = static_cast<double>(begun) / static_cast<double>(set.bytes);
  return {Json("begun"), "begun, " + PercentText(std::min(part, 1.0)), Style::kWarn};
}

double PartOf(const FetchProgress& progress) {
  if (progress.total == 0) return 0;
  return static_cast<double>(progress.done) / static_cast<double>(progress.total);
}

}  // namespace

Table DataTable(const std::vector<KnownDataset>& known, const std::filesystem::path& datasets) {
  Table table;
  table.columns = {{"name", "NAME"},
                   {"bytes", "DOWNLOAD", true},
                   {"state", "PRESENT"},
                   {"folder", "FOLDER"},
                   {"about", "WHAT", false, true},
                   {"licence", "", false, false, Show::kData},
                   {"addresses", "", false, false, Show::kData},
                   {"checksum", "", false, false, Show::kData}};
  for (const KnownDataset& set : known) {
    Row row;
    row.emplace_back(Json(set.name), set.name, Style::kStrong);
    row.emplace_back(Json(set.bytes), BytesText(set.bytes));
    row.push_back(StateCell(set, datasets));
    row.emplace_back((datasets / set.folder).string());
    row.emplace_back(set.about);
    row.emplace_back(set.licence);
    row.emplace_back(Json::Texts(set.addresses), Join(set.addresses, " "));
    row.emplace_back(ChecksumText(set.checksum));
    table.rows.push_back(std::move(row));
  }
  return table;
}

Json FetchedJson(const KnownDataset& dataset, const Fetched& fetched) {
  Json json = Json::Object();
  json.Set("name", dataset.name).Set("folder", fetched.folder.string());
  json.Set("fetched", !fetched.was_there);
  if (fetched.was_there) return json;
  json.Set("from", fetched.from).Set("files", fetched.files).Set("bytes", fetched.bytes);
  json.Set("archive", ChecksumText(dataset.checksum));
  return json;
}

void FetchLine::Enter(FetchPhase phase) {
  phase_ = phase;
  tenths_ = 0;
  pace_ = Pace();
  first_.reset();
}

std::string FetchLine::Draw(const FetchProgress& progress, Time now) {
  if (phase_ != progress.phase) Enter(progress.phase);
  std::string line = std::string(FetchPhaseName(progress.phase)) + " " + name_;
  if (progress.phase == FetchPhase::kWaiting) return line;
  const double part = PartOf(progress);
  line += "  " + look_.Bar(part, kBarColumns) + " " + PercentText(part);
  if (progress.phase != FetchPhase::kDownloading) return line;
  line += "  " + BytesText(progress.done) + " of " + BytesText(progress.total);
  if (!first_) first_ = {now, progress.done};
  pace_.Add(now, part);
  const Duration took = now - first_->first;
  if (took >= Duration(1'000) && progress.done > first_->second) {
    line += "  " +
            BytesText((progress.done - first_->second) * 1'000 /
                      static_cast<std::uint64_t>(took.count())) +
            "/s";
  }
  if (const auto left = pace_.Left(1 - part)) line += "  " + DurationText(*left) + " left";
  return line;
}

std::optional<std::string> FetchLine::Say(const FetchProgress& progress) {
  const bool begins = phase_ != progress.phase;
  if (begins) Enter(progress.phase);
  const std::string line = std::string(FetchPhaseName(progress.phase)) + " " + name_;
  if (progress.phase != FetchPhase::kDownloading) {
    return begins ? std::optional<std::string>(line) : std::nullopt;
  }
  const int tenths = static_cast<int>(PartOf(progress) * 10);
  if (!begins && tenths <= tenths_) return std::nullopt;
  tenths_ = tenths;
  return line + ": " + BytesText(progress.done) + " of " + BytesText(progress.total) + ", " +
         PercentText(PartOf(progress));
}

}  // namespace fusor::client
