#include "coordinator/store/state_schema.h"

#include <array>

namespace fusor {

namespace {

// Keys are what the rows are looked up by, so the hot tables need no second index: each further one
// costs an eighth of the commit rate. Times are Unix milliseconds; -1 = never or not yet.
constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta (key, value) VALUES
  ('cluster_id', lower(hex(randomblob(16)))), ('generation', '1'), ('clean_stop', '1');

-- The highest number ever given: rows may go, numbers never come back.
CREATE TABLE counter (
  name TEXT PRIMARY KEY,
  last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sweep (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  state TEXT NOT NULL,
  priority INTEGER NOT NULL,
  max_running INTEGER NOT NULL,
  releasing INTEGER NOT NULL,
  submitted_ms INTEGER NOT NULL,
  ended_ms INTEGER NOT NULL,
  overrides TEXT NOT NULL,
  extra_seeds TEXT NOT NULL,
  fingerprints TEXT NOT NULL,
  source TEXT NOT NULL
) STRICT;

CREATE TABLE trial (
  sweep INTEGER NOT NULL,
  stage INTEGER NOT NULL,
  cell INTEGER NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  crashes INTEGER NOT NULL,
  losses INTEGER NOT NULL,
  other_failures TEXT NOT NULL,
  failure TEXT NOT NULL,
  reason TEXT NOT NULL,
  threads INTEGER NOT NULL,
  step INTEGER NOT NULL,
  running_ms INTEGER NOT NULL,
  limited_ms INTEGER NOT NULL,
  has_objective INTEGER NOT NULL,
  objective REAL NOT NULL,
  objective_nonfinite INTEGER NOT NULL,
  objective_step INTEGER NOT NULL,
  precision_used TEXT NOT NULL,
  first_granted_ms INTEGER NOT NULL,
  ended_ms INTEGER NOT NULL,
  name TEXT NOT NULL,
  config_hash TEXT NOT NULL,
  params TEXT NOT NULL,
  PRIMARY KEY (sweep, stage, cell)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempt (
  sweep INTEGER NOT NULL,
  stage INTEGER NOT NULL,
  cell INTEGER NOT NULL,
  number INTEGER NOT NULL,
  id INTEGER NOT NULL,
  state TEXT NOT NULL,
  worker INTEGER NOT NULL,
  slots TEXT NOT NULL,
  slot_count INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  failure TEXT NOT NULL,
  code INTEGER NOT NULL,
  resumed_from_step INTEGER NOT NULL,
  bit_exact INTEGER NOT NULL,
  precision_used TEXT NOT NULL,
  granted_ms INTEGER NOT NULL,
  started_ms INTEGER NOT NULL,
  ended_ms INTEGER NOT NULL,
  granted_because TEXT NOT NULL,
  detail TEXT NOT NULL,
  info TEXT NOT NULL,
  log_tail TEXT NOT NULL,
  PRIMARY KEY (sweep, stage, cell, number)
) STRICT, WITHOUT ROWID;

-- A rank of an attempt that is granted or running, and the highest number applied of its facts. A restart
-- finds here what it has to wait for, without reading the attempts that have ended.
CREATE TABLE lease (
  attempt INTEGER NOT NULL,
  rank INTEGER NOT NULL,
  sweep INTEGER NOT NULL,
  stage INTEGER NOT NULL,
  cell INTEGER NOT NULL,
  number INTEGER NOT NULL,
  fact INTEGER NOT NULL,
  PRIMARY KEY (attempt, rank)
) STRICT, WITHOUT ROWID;

CREATE TABLE evaluation (
  sweep INTEGER NOT NULL,
  stage INTEGER NOT NULL,
  cell INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  step INTEGER NOT NULL,
  name TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  value REAL NOT NULL,
  nonfinite INTEGER NOT NULL,
  time_ms INTEGER NOT NULL,
  PRIMARY KEY (sweep, stage, cell, attempt, step, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE artifact (
  id INTEGER PRIMARY KEY,
  attempt INTEGER NOT NULL,
  sweep INTEGER NOT NULL,
  stage INTEGER NOT NULL,
  cell INTEGER NOT NULL,
  kind TEXT NOT NULL,
  step INTEGER NOT NULL,
  name TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  time_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX artifact_by_trial ON artifact (sweep, stage, cell);
CREATE INDEX artifact_by_sha256 ON artifact (sha256);

-- Files whose rows are gone: removed from the disk next, unless a new row names them.
CREATE TABLE artifact_garbage (
  sha256 TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE worker (
  id INTEGER PRIMARY KEY,
  uid TEXT NOT NULL,
  incarnation INTEGER NOT NULL,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  draining INTEGER NOT NULL,
  drain_deadline_ms INTEGER NOT NULL,
  seen_ms INTEGER NOT NULL,
  precisions TEXT NOT NULL,
  datasets TEXT NOT NULL,
  labels TEXT NOT NULL,
  notes TEXT NOT NULL
) STRICT;

CREATE TABLE worker_slot (
  worker INTEGER NOT NULL,
  position INTEGER NOT NULL,
  slot INTEGER NOT NULL,
  gpu INTEGER NOT NULL,
  device_uuid TEXT NOT NULL,
  device_name TEXT NOT NULL,
  gpu_type TEXT NOT NULL,
  device_memory_gib REAL NOT NULL,
  cpus INTEGER NOT NULL,
  memory_gib REAL NOT NULL,
  disk_gib REAL NOT NULL,
  note TEXT NOT NULL,
  PRIMARY KEY (worker, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
  id INTEGER PRIMARY KEY,
  time_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  sweep INTEGER NOT NULL,
  has_trial INTEGER NOT NULL,
  stage INTEGER NOT NULL,
  cell INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  worker INTEGER NOT NULL,
  detail TEXT NOT NULL,
  reason TEXT NOT NULL
) STRICT;

CREATE TABLE request (
  id TEXT PRIMARY KEY,
  content_sha256 TEXT NOT NULL,
  sweep INTEGER NOT NULL,
  count INTEGER NOT NULL,
  time_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX request_by_time ON request (time_ms);

-- Removed sweeps whose rows go in slices, a few with each commit.
CREATE TABLE purge (
  sweep INTEGER PRIMARY KEY,
  next_event INTEGER NOT NULL
) STRICT;
)sql";

constexpr std::array<std::string_view, 1> kMigrations = {kVersion1};

}  // namespace

const DatabaseFormat& StateFormat() {
  static constexpr DatabaseFormat kFormat = {"state.db", 0x46755374, kMigrations};  // "FuSt"
  return kFormat;
}

}  // namespace fusor
