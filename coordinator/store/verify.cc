#include "coordinator/store/verify.h"

#include <string_view>
#include <utility>

#include "common/base/count.h"
#include "coordinator/store/artifact_store.h"
#include "coordinator/store/database_file.h"
#include "coordinator/store/file.h"
#include "coordinator/store/metrics_schema.h"
#include "coordinator/store/state_schema.h"

namespace fusor {

namespace {

// A query that counts rows which must not be, and what they are. Rows of sweeps that are being
// cleared away do not count.
struct Invariant {
  std::string_view count;
  std::string_view meaning;
};

constexpr Invariant kStateInvariants[] = {
    {"SELECT count(*) FROM trial WHERE sweep NOT IN (SELECT id FROM sweep)"
     " AND sweep NOT IN (SELECT sweep FROM purge)",
     "trials without a sweep"},
    {"SELECT count(*) FROM attempt AS a WHERE sweep NOT IN (SELECT sweep FROM purge) AND NOT EXISTS"
     " (SELECT 1 FROM trial AS t WHERE t.sweep = a.sweep AND t.stage = a.stage AND t.cell = "
     "a.cell)",
     "attempts without a trial"},
    {"SELECT count(*) FROM lease AS l WHERE NOT EXISTS (SELECT 1 FROM attempt AS a"
     " WHERE a.sweep = l.sweep AND a.stage = l.stage AND a.cell = l.cell AND a.number = l.number"
     " AND a.id = l.attempt AND a.state IN ('granted', 'running'))",
     "leases without a live attempt"},
    {"SELECT count(*) FROM attempt AS a WHERE state IN ('granted', 'running')"
     " AND sweep NOT IN (SELECT sweep FROM purge)"
     " AND NOT EXISTS (SELECT 1 FROM lease AS l WHERE l.attempt = a.id)",
     "live attempts without a lease"},
    {"SELECT count(*) FROM trial AS t WHERE state = 'running'"
     " AND sweep NOT IN (SELECT sweep FROM purge)"
     " AND NOT EXISTS (SELECT 1 FROM attempt AS a WHERE a.sweep = t.sweep AND a.stage = t.stage"
     " AND a.cell = t.cell AND a.state IN ('granted', 'running'))",
     "running trials without a live attempt"},
    {"SELECT count(*) FROM (SELECT 1 FROM attempt GROUP BY id HAVING count(*) > 1)",
     "attempt numbers given twice"},
    {"SELECT count(*) FROM attempt WHERE id > (SELECT last FROM counter WHERE name = 'attempt')",
     "attempts beyond the counter"},
    {"SELECT count(*) FROM event WHERE id > (SELECT last FROM counter WHERE name = 'event')",
     "events beyond the counter"},
};

constexpr Invariant kMetricsInvariants[] = {
    {"SELECT count(*) FROM series WHERE attempt NOT IN (SELECT attempt FROM attempt_ref)",
     "series without an attempt"},
    {"SELECT count(*) FROM (SELECT 1 FROM series GROUP BY id HAVING count(*) > 1)",
     "series numbers given twice"},
    {"SELECT count(*) FROM (SELECT DISTINCT series FROM point) WHERE series NOT IN"
     " (SELECT id FROM series)",
     "series of points that do not exist"},
    {"SELECT count(*) FROM log WHERE id > (SELECT last FROM counter WHERE name = 'log')",
     "log lines beyond the counter"},
};

constexpr std::string_view kSelectFiles =
    "SELECT id, sha256, bytes FROM artifact ORDER BY sha256, id";
constexpr std::string_view kSelectCursors =
    "SELECT attempt, rank, fact FROM lease ORDER BY attempt, rank";
constexpr std::string_view kSelectCursor =
    "SELECT number FROM cursor WHERE attempt = ? AND rank = ?";

class Verifier {
 public:
  Verifier(std::filesystem::path data, VerifyDepth depth) : data_(std::move(data)), depth_(depth) {}

  Result<VerifyReport> Run() {
    const Result<sql::Database> state = OpenForReading(StateFormat(), data_ / StateFormat().name);
    if (!state.ok()) return state.status();
    RETURN_IF_ERROR(Check(*state, kStateInvariants));
    const Result<sql::Database> metrics =
        OpenForReading(MetricsFormat(), data_ / MetricsFormat().name);
    if (!metrics.ok()) return metrics.status();
    RETURN_IF_ERROR(Check(*metrics, kMetricsInvariants));
    RETURN_IF_ERROR(CheckCursors(*state, *metrics));
    RETURN_IF_ERROR(CheckFiles(*state));
    const Result<std::int64_t> trials = state->QueryInt("SELECT count(*) FROM trial");
    const Result<std::int64_t> attempts = state->QueryInt("SELECT count(*) FROM attempt");
    if (trials.ok()) report_.trials = static_cast<std::uint64_t>(*trials);
    if (attempts.ok()) report_.attempts = static_cast<std::uint64_t>(*attempts);
    return std::move(report_);
  }

 private:
  Status Check(const sql::Database& database, std::span<const Invariant> invariants);
  Status CheckCursors(const sql::Database& state, const sql::Database& metrics);
  Status CheckFiles(const sql::Database& state);
  void CheckFile(std::string_view id, const std::string& sha256, std::uint64_t bytes);

  const std::filesystem::path data_;
  const VerifyDepth depth_;
  VerifyReport report_;
};

Status Verifier::Check(const sql::Database& database, std::span<const Invariant> invariants) {
  Status pages = CheckDatabase(database, CheckDepth::kFull);
  if (!pages.ok()) {
    if (pages.code() != Code::kDataLoss) return pages;
    report_.problems.push_back(pages.message());
    return Ok();
  }
  const std::string name = database.file().filename().string();
  for (const Invariant& invariant : invariants) {
    const Result<std::int64_t> count = database.QueryInt(invariant.count);
    if (!count.ok()) return count.status();
    if (*count == 0) continue;
    report_.problems.push_back(name + ": " + std::to_string(*count) + " " +
                               std::string(invariant.meaning));
  }
  return Ok();
}

// metrics.db holds nothing of an attempt that reported core facts alone, or everything that the
// core applied. state.db is read first, so a daemon at work cannot make it look otherwise.
Status Verifier::CheckCursors(const sql::Database& state, const sql::Database& metrics) {
  sql::Statement all;
  RETURN_IF_ERROR(state.PrepareInto(all, kSelectCursors));
  sql::Statement one;
  RETURN_IF_ERROR(metrics.PrepareInto(one, kSelectCursor));
  std::uint64_t behind = 0;
  while (all.Next()) {
    one.Start(all.Int(0), all.Int(1));
    if (one.Next() && one.Int(0) < all.Int(2)) ++behind;
    RETURN_IF_ERROR(one.Finish());
  }
  RETURN_IF_ERROR(all.status());
  if (behind > 0) {
    report_.problems.push_back("metrics.db: behind state.db for " + CountOf(behind, "attempt") +
                               ": points or log lines are missing");
  }
  return Ok();
}

Status Verifier::CheckFiles(const sql::Database& state) {
  sql::Statement select;
  RETURN_IF_ERROR(state.PrepareInto(select, kSelectFiles));
  std::string last;
  while (select.Next()) {
    ++report_.artifacts;
    const std::string sha256(select.Text(1));
    if (sha256 == last) continue;
    last = sha256;
    CheckFile(std::to_string(select.Int(0)), sha256, static_cast<std::uint64_t>(select.Int(2)));
  }
  return select.status();
}

void Verifier::CheckFile(std::string_view id, const std::string& sha256, std::uint64_t bytes) {
  const std::string artifact = "artifact " + std::string(id) + ": ";
  if (!IsSha256(sha256)) {
    report_.problems.push_back(artifact + "its content has no valid name");
    return;
  }
  const std::filesystem::path path = data_ / "artifacts" / sha256.substr(0, 2) / sha256;
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) {
    report_.problems.push_back(artifact + path.string() + " is missing");
    return;
  }
  if (size != bytes) {
    report_.problems.push_back(artifact + path.string() + " has " + std::to_string(size) +
                               " bytes instead of " + std::to_string(bytes));
    return;
  }
  if (depth_ == VerifyDepth::kSizes) return;
  const Result<std::string> found = HashFile(path);
  if (found.ok() && *found == sha256) return;
  report_.problems.push_back(artifact + path.string() +
                             (found.ok() ? " is damaged" : ": " + found.status().message()));
}

}  // namespace

Result<VerifyReport> Verify(const std::filesystem::path& data, VerifyDepth depth) {
  return Verifier(data, depth).Run();
}

}  // namespace fusor
