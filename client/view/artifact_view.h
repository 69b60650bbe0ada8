#pragma once

// Files that trials produced.

#include "client/format/table.h"
#include "common/base/time.h"
#include "fusor/v1/artifact_service.pb.h"

namespace fusor::client {

Table ArtifactTable();
Row ArtifactRow(const v1::Artifact& artifact, Time now);

}  // namespace fusor::client
