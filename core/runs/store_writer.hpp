// SPDX-License-Identifier: Apache-2.0
// Rows on their way into the store, and the thread that takes them there: who trains does not wait
// for the disk.
#pragma once
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "core/runs/store.hpp"

namespace hilum::runs {

/// The rows of one call of Store::log: all of them are written, or none.
struct Logged {
  std::string run;
  std::vector<Metric> rows;
};

class Writer {
 public:
  using Write = std::function<void(const std::vector<Logged>&)>;
  /// `write` is called on another thread, with what came in while it last worked: one transaction
  /// for many calls where they come fast.
  /// `tidy` is called after it, when nobody waits for the rows any more.
  Writer(Write write, std::function<void()> tidy)
      : write_(std::move(write)), tidy_(std::move(tidy)) {}
  /// Writes what still waits. What goes wrong then is not told: flush() before.
  ~Writer();
  /// Returns at once, unless very much waits already. Throws what went wrong with earlier rows.
  void add(const std::string& run, std::span<const Metric> rows);
  /// Returns once all that was added is written. Throws what went wrong with it.
  void flush();

 private:
  void work();
  void tell_failure();

  Write write_;
  std::function<void()> tidy_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;  // for the thread; for those that wait for it
  std::vector<Logged> waiting_;
  size_t rows_ = 0;  // in waiting_
  bool writing_ = false, stop_ = false;
  std::exception_ptr failure_;
  std::thread thread_;  // from the first row on
};

}  // namespace hilum::runs
