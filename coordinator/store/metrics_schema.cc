#include "coordinator/store/metrics_schema.h"

#include <array>

namespace fusor {

namespace {

constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE counter (
  name TEXT PRIMARY KEY,
  last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Whose attempt it is, and the step it went on from (-1: the beginning) once it has started.
CREATE TABLE attempt_ref (
  attempt INTEGER PRIMARY KEY,
  sweep INTEGER NOT NULL,
  stage INTEGER NOT NULL,
  cell INTEGER NOT NULL,
  started INTEGER NOT NULL,
  resumed_from_step INTEGER NOT NULL,
  points_dropped INTEGER NOT NULL
) STRICT;
CREATE INDEX attempt_ref_by_trial ON attempt_ref (sweep, stage, cell);

CREATE TABLE series (
  attempt INTEGER NOT NULL,
  rank INTEGER NOT NULL,
  name TEXT NOT NULL,
  id INTEGER NOT NULL,
  PRIMARY KEY (attempt, rank, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE point (
  series INTEGER NOT NULL,
  step INTEGER NOT NULL,
  value REAL NOT NULL,
  nonfinite INTEGER NOT NULL,
  time_ms INTEGER NOT NULL,
  fact INTEGER NOT NULL,
  PRIMARY KEY (series, step)
) STRICT, WITHOUT ROWID;

-- Points of system/* series: a step may come many times.
CREATE TABLE sample (
  series INTEGER NOT NULL,
  fact INTEGER NOT NULL,
  step INTEGER NOT NULL,
  value REAL NOT NULL,
  nonfinite INTEGER NOT NULL,
  time_ms INTEGER NOT NULL,
  PRIMARY KEY (series, fact, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE log (
  sweep INTEGER NOT NULL,
  id INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  rank INTEGER NOT NULL,
  time_ms INTEGER NOT NULL,
  is_error_stream INTEGER NOT NULL,
  text BLOB NOT NULL,
  PRIMARY KEY (sweep, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX log_by_attempt ON log (attempt, id);

CREATE TABLE progress (
  attempt INTEGER PRIMARY KEY,
  step INTEGER NOT NULL,
  steps INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  phase TEXT NOT NULL
) STRICT;

CREATE TABLE cursor (
  attempt INTEGER NOT NULL,
  rank INTEGER NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (attempt, rank)
) STRICT, WITHOUT ROWID;

-- For people: every point with its trial and whether a later attempt superseded it.
CREATE VIEW trial_point AS
SELECT a.sweep, a.stage, a.cell, a.attempt, s.name, p.step, p.value, p.nonfinite, p.time_ms,
  EXISTS (
    SELECT 1 FROM attempt_ref AS later
    WHERE later.sweep = a.sweep AND later.stage = a.stage AND later.cell = a.cell
      AND later.attempt > a.attempt AND later.started AND later.resumed_from_step < p.step
  ) AS superseded
FROM attempt_ref AS a
JOIN series AS s ON s.attempt = a.attempt
JOIN point AS p ON p.series = s.id;
)sql";

constexpr std::array<std::string_view, 1> kMigrations = {kVersion1};

}  // namespace

const DatabaseFormat& MetricsFormat() {
  static constexpr DatabaseFormat kFormat = {"metrics.db", 0x46754d74, kMigrations};  // "FuMt"
  return kFormat;
}

}  // namespace fusor
