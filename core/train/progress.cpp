// SPDX-License-Identifier: Apache-2.0
#include "core/train/progress.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

#include "core/util/text.hpp"

namespace hilum::train {

Progress::Progress(std::FILE* out) : out_(out), terminal_(isatty(fileno(out))) {}

void Progress::log_to(const std::filesystem::path& file) {
  log_ = std::ofstream(file, std::ios::app);  // another run's is closed
}

void Progress::clear() {
  if (drawn_) fmt::print(out_, "\r\033[K");
  drawn_ = false;
}

void Progress::line(const std::string& text) {
  clear();
  fmt::print(out_, "{}\n", text);
  std::fflush(out_);
  if (log_.is_open()) log_ << util::now() << " " << text << std::endl;
}

void Progress::bar(const std::string& label, int64_t done, int64_t total, double seconds_left) {
  const auto now = std::chrono::steady_clock::now();
  if (!terminal_ || now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  constexpr int64_t kWidth = 24;
  const int64_t full = kWidth * done / std::max<int64_t>(1, total);
  std::string bar;
  for (int64_t i = 0; i < kWidth; ++i) bar += i < full ? "━" : "·";
  fmt::print(out_, "\r\033[K{} {} {}/{}, {} left", label, bar, done, total, duration(seconds_left));
  std::fflush(out_);
  drawn_ = true;
}

std::string duration(double seconds) {
  const auto s = static_cast<int64_t>(seconds + 0.5);
  if (s >= 3600) return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
  return fmt::format("{}:{:02}", s / 60, s % 60);
}

}  // namespace hilum::train
