// SPDX-License-Identifier: Apache-2.0
#include "core/runs/store_writer.hpp"

#include <utility>

namespace hilum::runs {
namespace {

constexpr size_t kMost = 100'000;  // rows that wait, when the store cannot be written for long

}  // namespace

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Writer::add(const std::string& run, std::span<const Metric> rows) {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [&] { return rows_ < kMost || failure_; });
  tell_failure();
  if (!thread_.joinable()) thread_ = std::thread(&Writer::work, this);
  waiting_.push_back({run, {rows.begin(), rows.end()}});
  rows_ += rows.size();
  if (waiting_.size() == 1 && !writing_) wake_.notify_one();  // else it looks again by itself
}

void Writer::flush() {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [&] { return waiting_.empty() && !writing_; });
  tell_failure();
}

void Writer::tell_failure() {
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void Writer::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return stop_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    auto calls = std::exchange(waiting_, {});
    rows_ = 0, writing_ = true;
    lock.unlock();
    std::exception_ptr failure;
    try {
      write_(calls);
    } catch (...) {
      failure = std::current_exception();
    }
    calls.clear();
    lock.lock();
    writing_ = false;
    if (!failure_) failure_ = failure;
    done_.notify_all();
    lock.unlock();
    tidy_();
    lock.lock();
  }
}

}  // namespace hilum::runs
