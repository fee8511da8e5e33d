// SPDX-License-Identifier: Apache-2.0
// What a store could do without: first looked for, then deleted.
#pragma once
#include <optional>

#include "core/runs/queries.hpp"

namespace hilum::runs {

struct Garbage {
  /// removal: left by an interrupted removal. part: a file that was never finished. folder: a run's
  /// without a row. failed: a whole run. checkpoint: last.pt of a done run that has best.pt.
  enum class Kind { removal, part, folder, failed, checkpoint } kind = Kind::removal;
  std::string run;  // id, "" for none
  std::filesystem::path path;
  uintmax_t bytes = 0;
  std::string why;
};
const char* to_text(Garbage::Kind kind);

struct GcOptions {
  bool failed = false;       // runs that failed or crashed and cannot be resumed
  bool checkpoints = false;  // what only `--checkpoint last` reads
  /// Of both only runs that ended so many seconds ago or more; then also failed ones that could be
  /// resumed.
  std::optional<int64_t> older_than = {};
};
struct GcReview {
  std::vector<Garbage> garbage;
  std::vector<Garbage> kept;  // looks like it, and is not deleted: `why`
  struct Missing {
    std::string run, kind, path;
  };
  std::vector<Missing> missing;  // artifacts whose file is gone
  uintmax_t free = 0;  // bytes that packing the database gives back, where it will be packed
  uintmax_t bytes() const;
};
GcReview review_garbage(const Reader& reader, const GcOptions& options);

struct Collected {
  uintmax_t freed = 0;
  size_t count = 0;
  std::vector<std::string> skipped;  // sentences: what changed meanwhile, or cannot be deleted
  bool packed = false;               // the database
};
/// Deletes what is still garbage: a run that began or went on since the review is left alone. Then
/// merges the write-ahead log, and packs the database where that gives back much and nothing runs.
Collected collect_garbage(const std::filesystem::path& folder, const std::vector<Garbage>& garbage);

}  // namespace hilum::runs
