// SPDX-License-Identifier: Apache-2.0
// A store of as many runs as somebody may have after years: the same bytes of rows each time.
#pragma once
#include <SQLiteCpp/SQLiteCpp.h>

#include <array>
#include <filesystem>
#include <string>

#include "core/runs/store.hpp"
#include "core/util/random.hpp"

namespace hilum::runs {

/// Names of test metrics by head: 20 metrics a run with train.loss, val.loss and three of
/// validation.
struct ManyHeads {
  std::string mask = "mask", binary = "malignancy";
};

class ManyRuns {
 public:
  explicit ManyRuns(const std::filesystem::path& folder)
      : made_(folder), database_(folder / "hilum.db", SQLite::OPEN_READWRITE, 10000) {
    database_.exec("PRAGMA synchronous = OFF; PRAGMA cache_size = -524288");
  }

  /// `kinds` 2: every other run's heads have other names, and every tenth run no figures at all.
  void add(int64_t count, int kinds = 1) {
    SQLite::Transaction all(database_);
    for (int64_t i = 0; i < count; ++i) add_run(i, kinds);
    all.commit();
    database_.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  static std::string id(int64_t number) {
    std::string digits = std::to_string(number);
    return "01" + std::string(24 - digits.size(), '0') + digits;
  }

 private:
  void add_run(int64_t number, int kinds) {
    util::Random random{7, static_cast<uint64_t>(number)};
    const bool failed = number % 10 == 9;
    const ManyHeads heads = kinds > 1 && number % 2 ? ManyHeads{"seg", "nodule"} : ManyHeads{};
    const std::string run = id(number);
    run_.bind(1, run), run_.bind(2, "study" + std::to_string(number % 500));
    run_.bind(3, failed ? "failed" : "done");
    run_.bind(4, number % 5), run_.bind(5, number % 3), run_.bind(6, run);
    run_.exec(), run_.reset();
    add_params(run, heads, random);
    for (const auto& [kind, name] :
         {std::pair("backbone", number % 3 ? "first" : "second"), std::pair("head", "third")}) {
      plugin_.bind(1, run), plugin_.bind(2, kind), plugin_.bind(3, name);
      plugin_.exec(), plugin_.reset();
    }
    if (kinds == 1 || !failed) add_metrics(run, heads, random);
  }

  void add_params(const std::string& run, const ManyHeads& heads, util::Random& random) {
    const auto add = [&](const std::string& key, double value) {
      param_.bind(1, run), param_.bind(2, key), param_.bind(3, std::to_string(value));
      param_.bind(4, value);
      param_.exec(), param_.reset();
    };
    add("head." + heads.mask + ".weight", 1), add("head." + heads.binary + ".weight", 0.5);
    add("train.lr", 1e-4 * static_cast<double>(1 + random.below(50)));
    for (int i = 0; i < 37; ++i) add("train.option" + std::to_string(i), i);
  }

  void add_metrics(const std::string& run, const ManyHeads& heads, util::Random& random) {
    const auto add = [&](const char* split, const std::string& name, int64_t epoch) {
      metric_.bind(1, run), metric_.bind(2, 10 * epoch), metric_.bind(3, epoch);
      metric_.bind(4, split), metric_.bind(5, name), metric_.bind(6, random.uniform());
      metric_.exec(), metric_.reset();
    };
    for (int64_t epoch = 1; epoch <= 2; ++epoch) add("val", heads.mask + ".dice", epoch);
    add("train", "loss", 2), add("val", "loss", 2);
    add("val", heads.mask + ".hd95", 2), add("val", heads.binary + ".auc", 2);
    for (const char* name : {"dice", "iou", "precision", "sensitivity", "hd", "hd95", "assd",
                             "slice_dice", "cases", "patients"})
      add("test", heads.mask + "." + name, 2);
    for (const char* name : {"auc", "accuracy", "sensitivity", "specificity", "balanced_accuracy"})
      add("test", heads.binary + "." + name, 2);
  }

  Store made_;  // makes the tables
  SQLite::Database database_;
  SQLite::Statement run_{
      database_,
      "INSERT INTO run (id, name, experiment, status, started, ended, heartbeat, "
      "seed, fold, git, dirty, host, device, precision, torch, config_hash, "
      "note, pid, boot) VALUES (?1, ?2, 'study.toml', ?3, "
      "'2026-01-01T00:00:00.000Z', '2026-01-01T01:00:00.000Z', "
      "'2026-01-01T01:00:00.000Z', ?4, ?5, '0123abc', 0, 'node1', 'cpu', "
      "'float32', '2.11.0', ?6, '', 1, 'gone')"};
  SQLite::Statement param_{database_,
                           "INSERT INTO param (run, key, value, type, number) VALUES (?1, ?2, ?3, "
                           "'number', ?4)"};
  SQLite::Statement plugin_{database_,
                            "INSERT INTO plugin (run, kind, name, version, sha256) VALUES (?1, ?2, "
                            "?3, '1.0', 'aa11')"};
  SQLite::Statement metric_{database_,
                            "INSERT INTO metric (run, step, epoch, split, name, value) VALUES (?1, "
                            "?2, ?3, ?4, ?5, ?6)"};
};

}  // namespace hilum::runs
