-- A run store of version 3, as the Hilum of that time left it: what later ones must keep.
-- The tables and triggers are that version's; never edit them.
CREATE TABLE run (
  id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL, experiment TEXT NOT NULL, status TEXT NOT NULL
    CHECK (status IN ('running', 'done', 'failed', 'interrupted', 'crashed')),
  started TEXT NOT NULL, ended TEXT, heartbeat TEXT NOT NULL, seed INTEGER NOT NULL,
  fold INTEGER NOT NULL, parent TEXT, git TEXT NOT NULL, dirty INTEGER NOT NULL,
  host TEXT NOT NULL, device TEXT NOT NULL, precision TEXT NOT NULL, torch TEXT NOT NULL,
  config_hash TEXT NOT NULL, note TEXT NOT NULL, error TEXT,
  pid INTEGER NOT NULL, boot TEXT NOT NULL, digest TEXT);
CREATE TABLE param (
  run TEXT NOT NULL REFERENCES run ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL,
  type TEXT NOT NULL, number REAL, PRIMARY KEY (run, key));
CREATE TABLE metric (
  run TEXT NOT NULL REFERENCES run ON DELETE CASCADE, step INTEGER NOT NULL, epoch INTEGER NOT NULL,
  split TEXT NOT NULL, name TEXT NOT NULL, value REAL,
  PRIMARY KEY (run, split, name, step)) WITHOUT ROWID;
CREATE TABLE final_metric (
  run TEXT NOT NULL REFERENCES run ON DELETE CASCADE, step INTEGER NOT NULL, epoch INTEGER NOT NULL,
  split TEXT NOT NULL, name TEXT NOT NULL, value REAL, UNIQUE (run, split, name));
CREATE TABLE case_metric (
  run TEXT NOT NULL REFERENCES run ON DELETE CASCADE, split TEXT NOT NULL, patient TEXT NOT NULL,
  nodule TEXT NOT NULL, slice INTEGER, name TEXT NOT NULL, value REAL);
CREATE TABLE plugin (
  run TEXT NOT NULL REFERENCES run ON DELETE CASCADE, kind TEXT NOT NULL, name TEXT NOT NULL,
  version TEXT NOT NULL, sha256 TEXT NOT NULL, build TEXT NOT NULL DEFAULT '', PRIMARY KEY (run, kind, name)) WITHOUT ROWID;
CREATE TABLE artifact (
  run TEXT NOT NULL REFERENCES run ON DELETE CASCADE, kind TEXT NOT NULL, path TEXT NOT NULL,
  created TEXT NOT NULL, PRIMARY KEY (run, kind, path)) WITHOUT ROWID;
CREATE TABLE tag (
  run TEXT NOT NULL REFERENCES run ON DELETE CASCADE, tag TEXT NOT NULL,
  PRIMARY KEY (run, tag)) WITHOUT ROWID;
CREATE TABLE benchmark (
  id TEXT NOT NULL, created TEXT NOT NULL, kind TEXT NOT NULL, plugin TEXT NOT NULL,
  version TEXT NOT NULL, sha256 TEXT NOT NULL, build TEXT NOT NULL, name TEXT NOT NULL,
  host TEXT NOT NULL, device TEXT NOT NULL, threads INTEGER NOT NULL, torch TEXT NOT NULL,
  git TEXT NOT NULL, options TEXT NOT NULL, median REAL NOT NULL, low REAL NOT NULL,
  high REAL NOT NULL, repetitions INTEGER NOT NULL, samples TEXT NOT NULL, tag TEXT NOT NULL,
  PRIMARY KEY (id, name)) WITHOUT ROWID;
INSERT INTO run (id, name, experiment, status, started, ended, heartbeat, seed, fold, parent, git, dirty, host, device, precision, torch, config_hash, note, error, pid, boot, digest) VALUES
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 'unet', 'experiments/lidc/unet.toml', 'done', '2026-03-02T08:11:04.512Z', '2026-03-02T09:47:31.090Z', '2026-03-02T09:47:31.090Z', 1, 0, NULL, '4f51d60', 0, 'node1', 'cpu', 'bfloat16', '2.11.0', 'c1d7a0', '', NULL, 4242, '4b1cbb5e-0000-4000-8000-000000000001/pid:[4026531836]/8812', '145c8430596b8deffcc2f329ae9b479a6e6c674838cbf8d9e85adfb4cd3b1afc'),
  ('01KAN9D4S0W3F8H5RB6N2KPE7G', 'resunet_std', 'experiments/lidc/resunet_std.toml', 'interrupted', '2026-03-02T10:02:55.001Z', '2026-03-02T10:20:00.250Z', '2026-03-02T10:20:00.250Z', 1, 0, '01KAN3V0B5T6M2J8QX4Y7ZC1DA', '4f51d60', 1, 'node1', 'cpu', 'float32', '2.11.0', '99e2b4', 'a smaller sigma; "softer" edges', NULL, 4242, '4b1cbb5e-0000-4000-8000-000000000001/pid:[4026531836]/8812', NULL),
  ('01KAQ1Y7M9X5V0T4CJ3G8DHB6Z', 'unet', 'experiments/lidc/unet.toml', 'failed', '2026-03-03T07:00:00.000Z', '2026-03-03T07:01:12.777Z', '2026-03-03T07:01:12.777Z', 2, 1, NULL, '', 0, 'node2', 'cuda:0', 'bfloat16', '2.11.0', '5c08ff', '', 'epoch 1, step 12: the loss is nan (mask nan). Cases of the batch: LIDC-IDRI-0072/n1', 4242, '4b1cbb5e-0000-4000-8000-000000000001/pid:[4026531836]/8812', NULL),
  ('01KAQ2A1C7Z9N3S6WF5E0XQM8P', 'resunet_std', 'experiments/lidc/resunet_std.toml', 'running', '2026-03-03T07:05:00.000Z', NULL, '2026-03-03T07:25:10.010Z', 3, 0, NULL, '4f51d60', 0, 'node2', 'cuda:0', 'bfloat16', '2.11.0', '99e2b4', '', NULL, 4242, '4b1cbb5e-0000-4000-8000-000000000001/pid:[4026531836]/8812', NULL);
INSERT INTO param (run, key, value, type, number) VALUES
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 'experiment.name', 'unet', 'string', NULL),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 'train.lr', '0.001', 'number', 0.001),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 'train.epochs', '3', 'integer', 3.0),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 'train.optimizer', 'adam', 'string', NULL),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 'data.window', '[-1000, 400]', 'list', NULL),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 'data.val', 'none', 'string', NULL),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 'resolved.fingerprint', '8a31f0', 'string', NULL),
  ('01KAN9D4S0W3F8H5RB6N2KPE7G', 'experiment.name', 'resunet_std', 'string', NULL),
  ('01KAN9D4S0W3F8H5RB6N2KPE7G', 'train.lr', '0.001', 'number', 0.001),
  ('01KAN9D4S0W3F8H5RB6N2KPE7G', 'train.epochs', '3', 'integer', 3.0),
  ('01KAN9D4S0W3F8H5RB6N2KPE7G', 'train.optimizer', 'adam', 'string', NULL),
  ('01KAN9D4S0W3F8H5RB6N2KPE7G', 'data.window', '[-1000, 400]', 'list', NULL),
  ('01KAN9D4S0W3F8H5RB6N2KPE7G', 'data.val', 'none', 'string', NULL),
  ('01KAN9D4S0W3F8H5RB6N2KPE7G', 'resolved.fingerprint', '8a31f0', 'string', NULL),
  ('01KAQ1Y7M9X5V0T4CJ3G8DHB6Z', 'experiment.name', 'unet', 'string', NULL),
  ('01KAQ1Y7M9X5V0T4CJ3G8DHB6Z', 'train.lr', '0.001', 'number', 0.001),
  ('01KAQ1Y7M9X5V0T4CJ3G8DHB6Z', 'train.epochs', '3', 'integer', 3.0),
  ('01KAQ1Y7M9X5V0T4CJ3G8DHB6Z', 'train.optimizer', 'adam', 'string', NULL),
  ('01KAQ1Y7M9X5V0T4CJ3G8DHB6Z', 'data.window', '[-1000, 400]', 'list', NULL),
  ('01KAQ1Y7M9X5V0T4CJ3G8DHB6Z', 'data.val', 'none', 'string', NULL),
  ('01KAQ1Y7M9X5V0T4CJ3G8DHB6Z', 'resolved.fingerprint', '8a31f0', 'string', NULL),
  ('01KAQ2A1C7Z9N3S6WF5E0XQM8P', 'experiment.name', 'resunet_std', 'string', NULL),
  ('01KAQ2A1C7Z9N3S6WF5E0XQM8P', 'train.lr', '0.001', 'number', 0.001),
  ('01KAQ2A1C7Z9N3S6WF5E0XQM8P', 'train.epochs', '3', 'integer', 3.0),
  ('01KAQ2A1C7Z9N3S6WF5E0XQM8P', 'train.optimizer', 'adam', 'string', NULL),
  ('01KAQ2A1C7Z9N3S6WF5E0XQM8P', 'data.window', '[-1000, 400]', 'list', NULL),
  ('01KAQ2A1C7Z9N3S6WF5E0XQM8P', 'data.val', 'none', 'string', NULL),
  ('01KAQ2A1C7Z9N3S6WF5E0XQM8P', 'resolved.fingerprint', '8a31f0', 'string', NULL);
INSERT INTO metric (run, step, epoch, split, name, value) VALUES
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 120, 1, 'train', 'loss', 0.71),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 240, 2, 'train', 'loss', 0.42),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 360, 3, 'train', 'loss', 0.305),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 120, 1, 'train', 'lr', 0.001),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 240, 2, 'train', 'lr', 0.001),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 360, 3, 'train', 'lr', 0.0005),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 120, 1, 'val', 'loss', 0.66),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 240, 2, 'val', 'loss', 0.47),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 360, 3, 'val', 'loss', 0.41),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 120, 1, 'val', 'mask.dice', 0.5125),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 240, 2, 'val', 'mask.dice', NULL),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 360, 3, 'val', 'mask.dice', 0.781),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 120, 1, 'val', 'mask.hd95', 9.5),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 240, 2, 'val', 'mask.hd95', 4.25),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 360, 3, 'val', 'mask.hd95', 3.0),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 360, 3, 'test', 'mask.dice', 0.7934),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 360, 3, 'test', 'mask.iou', 0.671),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 360, 3, 'test', 'mask.hd95', 2.8284271247461903),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 360, 3, 'test', 'mask.assd', NULL),
  ('01KAN9D4S0W3F8H5RB6N2KPE7G', 120, 1, 'train', 'loss', 0.69),
  ('01KAN9D4S0W3F8H5RB6N2KPE7G', 240, 2, 'train', 'loss', 0.5),
  ('01KAN9D4S0W3F8H5RB6N2KPE7G', 120, 1, 'val', 'mask.dice', 0.4),
  ('01KAN9D4S0W3F8H5RB6N2KPE7G', 240, 2, 'val', 'mask.dice', 0.62),
  ('01KAQ2A1C7Z9N3S6WF5E0XQM8P', 120, 1, 'train', 'loss', 0.7),
  ('01KAQ2A1C7Z9N3S6WF5E0XQM8P', 120, 1, 'val', 'mask.dice', 0.45);
INSERT INTO final_metric (run, step, epoch, split, name, value) VALUES
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 360, 3, 'train', 'loss', 0.305),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 360, 3, 'train', 'lr', 0.0005),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 360, 3, 'val', 'loss', 0.41),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 360, 3, 'val', 'mask.dice', 0.781),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 360, 3, 'val', 'mask.hd95', 3.0),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 360, 3, 'test', 'mask.dice', 0.7934),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 360, 3, 'test', 'mask.iou', 0.671),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 360, 3, 'test', 'mask.hd95', 2.8284271247461903),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 360, 3, 'test', 'mask.assd', NULL),
  ('01KAN9D4S0W3F8H5RB6N2KPE7G', 240, 2, 'train', 'loss', 0.5),
  ('01KAN9D4S0W3F8H5RB6N2KPE7G', 240, 2, 'val', 'mask.dice', 0.62),
  ('01KAQ2A1C7Z9N3S6WF5E0XQM8P', 120, 1, 'train', 'loss', 0.7),
  ('01KAQ2A1C7Z9N3S6WF5E0XQM8P', 120, 1, 'val', 'mask.dice', 0.45);
INSERT INTO case_metric (run, split, patient, nodule, slice, name, value) VALUES
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 'test', 'LIDC-IDRI-0003', 'n1', NULL, 'mask.dice', 0.81),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 'test', 'LIDC-IDRI-0003', 'n1', 31, 'mask.dice', 0.77875),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 'test', 'LIDC-IDRI-0003', 'n1', 32, 'mask.dice', NULL),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 'test', 'LIDC-IDRI-0003', 'n2', NULL, 'mask.dice', 0.7425),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 'test', 'LIDC-IDRI-0003', 'n2', 31, 'mask.dice', 0.71125),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 'test', 'LIDC-IDRI-0003', 'n2', 32, 'mask.dice', NULL),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 'test', 'LIDC-IDRI-0011', 'n1', NULL, 'mask.dice', 0.83),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 'test', 'LIDC-IDRI-0011', 'n1', 31, 'mask.dice', 0.79875),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 'test', 'LIDC-IDRI-0011', 'n1', 32, 'mask.dice', NULL);
INSERT INTO plugin (run, kind, name, version, sha256, build) VALUES
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 'backbone', 'unet', '1.0', 'aa11c0deaa11c0deaa11c0deaa11c0deaa11c0deaa11c0deaa11c0deaa11c0de', 'sdk 2, torch 2.11.0 (no CUDA), g++ ABI 1017'),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 'head', 'segmentation', '1.1', 'bb22c0debb22c0debb22c0debb22c0debb22c0debb22c0debb22c0debb22c0de', 'sdk 2, torch 2.11.0 (no CUDA), g++ ABI 1017'),
  ('01KAQ1Y7M9X5V0T4CJ3G8DHB6Z', 'backbone', 'unet', '1.0', 'aa11c0deaa11c0deaa11c0deaa11c0deaa11c0deaa11c0deaa11c0deaa11c0de', 'sdk 2, torch 2.11.0 (no CUDA), g++ ABI 1017'),
  ('01KAQ1Y7M9X5V0T4CJ3G8DHB6Z', 'head', 'segmentation', '1.1', 'bb22c0debb22c0debb22c0debb22c0debb22c0debb22c0debb22c0debb22c0de', 'sdk 2, torch 2.11.0 (no CUDA), g++ ABI 1017'),
  ('01KAN9D4S0W3F8H5RB6N2KPE7G', 'backbone', 'resunet', '1.0', 'cc33c0decc33c0decc33c0decc33c0decc33c0decc33c0decc33c0decc33c0de', 'sdk 2, torch 2.11.0 (no CUDA), g++ ABI 1017'),
  ('01KAN9D4S0W3F8H5RB6N2KPE7G', 'head', 'segmentation', '1.1', 'bb22c0debb22c0debb22c0debb22c0debb22c0debb22c0debb22c0debb22c0de', 'sdk 2, torch 2.11.0 (no CUDA), g++ ABI 1017'),
  ('01KAN9D4S0W3F8H5RB6N2KPE7G', 'regularizer', 'std', '0.9', 'dd44c0dedd44c0dedd44c0dedd44c0dedd44c0dedd44c0dedd44c0dedd44c0de', 'sdk 2, torch 2.11.0 (no CUDA), g++ ABI 1017'),
  ('01KAQ2A1C7Z9N3S6WF5E0XQM8P', 'backbone', 'resunet', '1.0', 'cc33c0decc33c0decc33c0decc33c0decc33c0decc33c0decc33c0decc33c0de', 'sdk 2, torch 2.11.0 (no CUDA), g++ ABI 1017'),
  ('01KAQ2A1C7Z9N3S6WF5E0XQM8P', 'head', 'segmentation', '1.1', 'bb22c0debb22c0debb22c0debb22c0debb22c0debb22c0debb22c0debb22c0de', 'sdk 2, torch 2.11.0 (no CUDA), g++ ABI 1017'),
  ('01KAQ2A1C7Z9N3S6WF5E0XQM8P', 'regularizer', 'std', '0.9', 'dd44c0dedd44c0dedd44c0dedd44c0dedd44c0dedd44c0dedd44c0dedd44c0de', 'sdk 2, torch 2.11.0 (no CUDA), g++ ABI 1017');
INSERT INTO artifact (run, kind, path, created) VALUES
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 'weights', 'best.pt', '2026-03-02T09:47:30.000Z'),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 'predictions', 'predictions/test', '2026-03-02T09:47:29.000Z');
INSERT INTO tag (run, tag) VALUES
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 'paper'),
  ('01KAN3V0B5T6M2J8QX4Y7ZC1DA', 'it''s'),
  ('01KAN9D4S0W3F8H5RB6N2KPE7G', 'lesion-split');
CREATE INDEX run_by_name ON run (name, id);
CREATE INDEX run_by_config ON run (config_hash);
CREATE INDEX param_by_key ON param (key, value);
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
CREATE INDEX case_metric_by_run ON case_metric (run, split, name);
CREATE INDEX plugin_by_name ON plugin (kind, name);
CREATE INDEX tag_by_name ON tag (tag);
CREATE INDEX benchmark_by_plugin ON benchmark (kind, plugin, created);
CREATE VIEW v_runs AS
  SELECT r.id AS run, r.name, r.experiment, r.status, r.started, r.ended, r.seed, r.fold, r.git,
    r.dirty, r.host, r.device, r.precision, f.split, f.name AS metric, f.value, f.step, f.epoch
  FROM run r JOIN final_metric f ON f.run = r.id;
CREATE VIEW v_curve AS
  SELECT r.id AS run, r.name, r.status, r.seed, r.fold, m.split, m.name AS metric, m.step, m.epoch,
    m.value
  FROM run r JOIN metric m ON m.run = r.id;
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
CREATE VIEW v_fold AS
  SELECT r.name, r.seed, r.fold, r.id AS run, f.split, f.name AS metric, f.value
  FROM run r JOIN final_metric f ON f.run = r.id
  WHERE r.status = 'done' AND NOT EXISTS (
    SELECT 1 FROM run n WHERE n.name = r.name AND n.seed = r.seed AND n.fold = r.fold
      AND n.status = 'done' AND n.id > r.id);
PRAGMA journal_mode = WAL;
PRAGMA user_version = 3;
