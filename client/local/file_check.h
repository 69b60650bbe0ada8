#pragma once

// The files that trials of a sweep begin with, as this machine sees them. Workers may see others:
// what is found is said, never refused.

#include "client/format/file_report.h"
#include "client/terminal/environment.h"
#include "fusor/v1/sweep_service.pb.h"

namespace fusor::client {

using FileChecks = google::protobuf::RepeatedPtrField<v1::FileCheck>;

// Asks the trainer beside this program to look into them; without one they are only looked up.
FileReport CheckFiles(const Environment& environment, const FileChecks& checks);

}  // namespace fusor::client
