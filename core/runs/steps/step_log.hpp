// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "core/runs/steps/steps.hpp"

namespace hilum::runs {

/// Writes steps.csv, each line at once: a process that is killed loses no line that it completed.
/// Lines are never removed: what is made again after a resume stands behind what was made before.
class StepLog {
 public:
  /// Goes on behind the last whole line with the next attempt; a line that was cut off is cut away.
  explicit StepLog(const std::filesystem::path& file);
  ~StepLog();
  StepLog(const StepLog&) = delete;
  StepLog& operator=(const StepLog&) = delete;

  /// With this process's attempt. Throws Error (work) where it cannot be written.
  void add(StepLine line);
  /// To the disk, before a checkpoint says that these steps were made.
  void flush();

 private:
  void write(std::string_view text);
  void require(bool done) const;
  std::filesystem::path file_;
  int descriptor_ = -1;
  int64_t attempt_ = 1;
  std::string check_;
};

}  // namespace hilum::runs
