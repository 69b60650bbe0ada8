#include "client/view/artifact_view.h"

#include "client/format/clock.h"
#include "client/format/text.h"
#include "client/view/convert.h"

namespace fusor::client {

Table ArtifactTable() {
  Table table;
  table.columns = {
      {"id", "ID"},           {"kind", "KIND"},        {"name", "NAME", false, true},
      {"step", "STEP", true}, {"bytes", "SIZE", true}, {"trial_name", "TRIAL", false, true},
      {"time", "MADE", true}, {"sha256", "SHA256"},    {"path", "", false, false, Show::kData}};
  return table;
}

Row ArtifactRow(const v1::Artifact& artifact, Time now) {
  const Time time = FromProto(artifact.time());
  Row row;
  row.emplace_back(ArtifactIdText(artifact.id()));
  row.emplace_back(artifact.kind());
  row.emplace_back(artifact.name());
  row.emplace_back(artifact.step(), std::to_string(artifact.step()));
  row.emplace_back(artifact.bytes(), BytesText(artifact.bytes()));
  row.emplace_back(artifact.trial_name());
  row.emplace_back(TimeJson(time), AgoText(time, now), Style::kFaint);
  row.emplace_back(artifact.sha256(), artifact.sha256().substr(0, 12), Style::kFaint);
  row.emplace_back(artifact.path());
  return row;
}

}  // namespace fusor::client
