#include <iostream>

#include "common/base/count.h"
#include "coordinator/server/commands.h"
#include "coordinator/store/backup.h"
#include "coordinator/store/verify.h"

namespace fusor {

namespace {

int Refuse(const Status& status) {
  std::cerr << "fusord: " << status.message() << std::endl;
  return 1;
}

}  // namespace

int RunBackup(const BackupOptions& options) {
  const Result<BackupReport> report = Backup(options);
  if (!report.ok()) return Refuse(report.status());
  std::cout << "backup of " << options.data.string() << " in " << options.destination.string()
            << ": databases " << CountOf(report->database_bytes, "byte") << ", "
            << CountOf(report->artifacts, "artifact") << " with "
            << CountOf(report->artifact_bytes, "byte") << "\n";
  if (report->rows_dropped > 0) {
    std::cout << CountWords(report->rows_dropped, "artifact was", "artifacts were")
              << " removed meanwhile and not copied\n";
  }
  std::cout << "\n  fusord restore " << options.destination.string() << " --data DIR\n";
  return 0;
}

int RunRestore(const RestoreOptions& options) {
  const Result<RestoreReport> report = Restore(options);
  if (!report.ok()) return Refuse(report.status());
  std::cout << "restored into " << options.data.string() << " as generation " << report->generation
            << "; artifacts copied: " << report->artifacts << "\n";
  if (report->rows_dropped > 0) {
    std::cout << CountWords(report->rows_dropped, "artifact has", "artifacts have")
              << " no file; dropped\n";
  }
  std::cout << "\n  fusord --data " << options.data.string() << "\n";
  return 0;
}

int RunVerify(const VerifyOptions& options) {
  const Result<VerifyReport> report =
      Verify(options.data, options.deep ? VerifyDepth::kContents : VerifyDepth::kSizes);
  if (!report.ok()) return Refuse(report.status());
  for (const std::string& problem : report->problems) std::cout << problem << "\n";
  std::cout << CountOf(report->trials, "trial") << ", " << CountOf(report->attempts, "attempt")
            << ", " << CountOf(report->artifacts, "artifact") << ": "
            << (report->problems.empty() ? std::string("all is well")
                                         : CountOf(report->problems.size(), "problem"))
            << "\n";
  return report->problems.empty() ? 0 : 1;
}

}  // namespace fusor
