// SPDX-License-Identifier: Apache-2.0
// Version 1 of the store. docs/run-store.md describes it for people; never edit, add a migration.
#include "core/runs/sqlite/migrations.hpp"

namespace hilum::runs {

const char* const kMigration1 = R"sql(
CREATE TABLE run (
  id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL, experiment TEXT NOT NULL, status TEXT NOT NULL
    CHECK (status IN ('running', 'done', 'failed', 'interrupted', 'crashed')),
  started TEXT NOT NULL, ended TEXT, heartbeat TEXT NOT NULL, seed INTEGER NOT NULL,
  fold INTEGER NOT NULL, parent TEXT, git TEXT NOT NULL, dirty INTEGER NOT NULL,
  host TEXT NOT NULL, device TEXT NOT NULL, precision TEXT NOT NULL, torch TEXT NOT NULL,
  config_hash TEXT NOT NULL, note TEXT NOT NULL, error TEXT,
  pid INTEGER NOT NULL, boot TEXT NOT NULL);
CREATE INDEX run_by_name ON run (name, id);
CREATE INDEX run_by_config ON run (config_hash);

-- number: the value where it is one, so that '0.001' and '1e-3' compare as numbers
CREATE TABLE param (
  run TEXT NOT NULL REFERENCES run ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL,
  type TEXT NOT NULL, number REAL, PRIMARY KEY (run, key));
CREATE INDEX param_by_key ON param (key, value);

-- value is NULL for NaN
CREATE TABLE metric (
  run TEXT NOT NULL REFERENCES run ON DELETE CASCADE, step INTEGER NOT NULL, epoch INTEGER NOT NULL,
  split TEXT NOT NULL, name TEXT NOT NULL, value REAL,
  PRIMARY KEY (run, split, name, step)) WITHOUT ROWID;

-- The value of the highest step of each metric, kept by the triggers below: what lists and --where read.
CREATE TABLE final_metric (
  run TEXT NOT NULL REFERENCES run ON DELETE CASCADE, step INTEGER NOT NULL, epoch INTEGER NOT NULL,
  split TEXT NOT NULL, name TEXT NOT NULL, value REAL, UNIQUE (run, split, name));
CREATE INDEX final_metric_by_name ON final_metric (split, name, value);
CREATE TRIGGER metric_added AFTER INSERT ON metric BEGIN
  INSERT INTO final_metric (run, step, epoch, split, name, value)
    VALUES (new.run, new.step, new.epoch, new.split, new.name, new.value)
    ON CONFLICT (run, split, name) DO UPDATE SET step = excluded.step, epoch = excluded.epoch,
      value = excluded.value WHERE excluded.step >= step;
END;
CREATE TRIGGER metric_changed AFTER UPDATE ON metric BEGIN
  UPDATE final_metric SET step = new.step, epoch = new.epoch, value = new.value
    WHERE run = new.run AND split = new.split AND name = new.name AND step <= new.step;
END;
CREATE TRIGGER metric_removed AFTER DELETE ON metric BEGIN
  DELETE FROM final_metric WHERE run = old.run AND split = old.split AND name = old.name
    AND NOT EXISTS (SELECT 1 FROM metric m WHERE m.run = old.run AND m.split = old.split
                    AND m.name = old.name);
  UPDATE final_metric SET (step, epoch, value) =
      (SELECT m.step, m.epoch, m.value FROM metric m WHERE m.run = old.run AND m.split = old.split
         AND m.name = old.name ORDER BY m.step DESC LIMIT 1)
    WHERE run = old.run AND split = old.split AND name = old.name AND step = old.step;
END;

-- slice is NULL for a whole nodule
CREATE TABLE case_metric (
  run TEXT NOT NULL REFERENCES run ON DELETE CASCADE, split TEXT NOT NULL, patient TEXT NOT NULL,
  nodule TEXT NOT NULL, slice INTEGER, name TEXT NOT NULL, value REAL);
CREATE INDEX case_metric_by_run ON case_metric (run, split, name);

CREATE TABLE plugin (
  run TEXT NOT NULL REFERENCES run ON DELETE CASCADE, kind TEXT NOT NULL, name TEXT NOT NULL,
  version TEXT NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (run, kind, name)) WITHOUT ROWID;
CREATE INDEX plugin_by_name ON plugin (kind, name);

-- path is relative to the run's folder where it lies in it
CREATE TABLE artifact (
  run TEXT NOT NULL REFERENCES run ON DELETE CASCADE, kind TEXT NOT NULL, path TEXT NOT NULL,
  created TEXT NOT NULL, PRIMARY KEY (run, kind, path)) WITHOUT ROWID;

CREATE TABLE tag (
  run TEXT NOT NULL REFERENCES run ON DELETE CASCADE, tag TEXT NOT NULL,
  PRIMARY KEY (run, tag)) WITHOUT ROWID;
CREATE INDEX tag_by_name ON tag (tag);

CREATE TABLE benchmark (
  run TEXT REFERENCES run ON DELETE CASCADE, created TEXT NOT NULL, name TEXT NOT NULL,
  host TEXT NOT NULL, device TEXT NOT NULL, value REAL, unit TEXT NOT NULL);
CREATE INDEX benchmark_by_name ON benchmark (name, created);
CREATE INDEX benchmark_by_run ON benchmark (run);

CREATE VIEW v_runs AS
  SELECT r.id AS run, r.name, r.experiment, r.status, r.started, r.ended, r.seed, r.fold, r.git,
    r.dirty, r.host, r.device, r.precision, f.split, f.name AS metric, f.value, f.step, f.epoch
  FROM run r JOIN final_metric f ON f.run = r.id;

CREATE VIEW v_curve AS
  SELECT r.id AS run, r.name, r.status, r.seed, r.fold, m.split, m.name AS metric, m.step, m.epoch,
    m.value
  FROM run r JOIN metric m ON m.run = r.id;

-- Losses, distances and errors are better when lower, all else when higher.
CREATE VIEW v_best AS
  SELECT run, name, status, seed, fold, split, metric, value, step, epoch, better FROM (
    SELECT *, row_number() OVER (PARTITION BY run, split, metric
      ORDER BY CASE better WHEN 'lower' THEN value ELSE -value END, step) AS place FROM (
        SELECT c.*, CASE WHEN metric LIKE '%loss' OR metric LIKE '%loss.%' OR metric LIKE '%.hd'
          OR metric LIKE '%.hd95' OR metric LIKE '%.assd' OR metric LIKE '%.mae'
          OR metric LIKE '%.mse' OR metric LIKE '%.rmse' OR metric LIKE '%.brier'
          OR metric LIKE '%.ece' THEN 'lower' ELSE 'higher' END AS better
        FROM v_curve c WHERE value IS NOT NULL))
  WHERE place = 1;

-- One row a fold: of the runs that share name, seed and fold the newest that is done.
CREATE VIEW v_fold AS
  SELECT r.name, r.seed, r.fold, r.id AS run, f.split, f.name AS metric, f.value
  FROM run r JOIN final_metric f ON f.run = r.id
  WHERE r.status = 'done' AND NOT EXISTS (
    SELECT 1 FROM run n WHERE n.name = r.name AND n.seed = r.seed AND n.fold = r.fold
      AND n.status = 'done' AND n.id > r.id);
)sql";

}  // namespace hilum::runs
