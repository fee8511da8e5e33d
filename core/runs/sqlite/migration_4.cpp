// SPDX-License-Identifier: Apache-2.0
// Version 4 of the store: v_best knows of more figures that less of them is better. Never edit, add
// a migration.
#include "core/runs/sqlite/migrations.hpp"

namespace hilum::runs {

// Until then "mask.slice_hd95" was better when higher, and so were terms of the training loss that
// are called as a figure is ("train", "mask.dice").
const char* const kMigration4 = R"sql(
DROP VIEW v_best;
-- Losses, distances and errors are better when lower, all else when higher.
CREATE VIEW v_best AS
  SELECT run, name, status, seed, fold, split, metric, value, step, epoch, better FROM (
    SELECT *, row_number() OVER (PARTITION BY run, split, metric
      ORDER BY CASE better WHEN 'lower' THEN value ELSE -value END, step) AS place FROM (
        SELECT c.*, CASE
          WHEN metric LIKE '%loss' OR metric LIKE '%loss.%' THEN 'lower'
          WHEN split = 'train' AND metric LIKE '%.dice' THEN 'lower'
          WHEN replace('.' || metric, '_', '.') LIKE '%.hd'
            OR replace('.' || metric, '_', '.') LIKE '%.hd95'
            OR replace('.' || metric, '_', '.') LIKE '%.assd'
            OR replace('.' || metric, '_', '.') LIKE '%.mae'
            OR replace('.' || metric, '_', '.') LIKE '%.mse'
            OR replace('.' || metric, '_', '.') LIKE '%.rmse'
            OR replace('.' || metric, '_', '.') LIKE '%.brier'
            OR replace('.' || metric, '_', '.') LIKE '%.ece'
            OR replace('.' || metric, '_', '.') LIKE '%.bce' THEN 'lower'
          ELSE 'higher' END AS better
        FROM v_curve c WHERE value IS NOT NULL))
  WHERE place = 1;
)sql";

}  // namespace hilum::runs
