#pragma once

// What fusord's command line asks for, done: the exit code.

#include "coordinator/server/options.h"

namespace fusor {

int RunServe(const ServeOptions& options);
int RunBackup(const BackupOptions& options);
int RunRestore(const RestoreOptions& options);
int RunVerify(const VerifyOptions& options);
int RunPlan(const PlanOptions& options);

}  // namespace fusor
