// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

namespace hilum::train {

/// What a person sees of a run: lines, and on a terminal a bar with the time left. Lines also go to
/// the run's log.txt.
class Progress {
 public:
  explicit Progress(std::FILE* out);
  void log_to(const std::filesystem::path& file);
  void line(const std::string& text);
  /// Redrawn at most ten times a second; nothing where `out` is not a terminal.
  void bar(const std::string& label, int64_t done, int64_t total, double seconds_left);

 private:
  void clear();
  std::FILE* out_;
  bool terminal_, drawn_ = false;
  std::chrono::steady_clock::time_point last_{};
  std::ofstream log_;
};

/// 75 -> "1:15", 3675 -> "1:01:15".
std::string duration(double seconds);

}  // namespace hilum::train
