// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <thread>

#include "core/data/samples.hpp"

namespace hilum::data {

struct Loader::Impl {
  struct Slot {
    Batch batch;
    std::exception_ptr error;
  };

  const Sampler& sampler;
  int64_t epoch, batch, batches, wanted;  // wanted: the batch that next() delivers
  std::vector<SampleId> order;
  std::mutex mutex;
  std::condition_variable room, ready;
  std::map<int64_t, Slot> done;
  int64_t next_job, ahead;  // ahead: batches that may wait, so that memory stays bounded
  bool stop = false;
  std::vector<std::thread> workers;

  Impl(const Sampler& from, int64_t epoch, int64_t batch, bool drop_last, int64_t first)
      : sampler(from),
        epoch(epoch),
        batch(batch),
        wanted(first),
        order(from.epoch(epoch)),
        next_job(first) {
    const auto samples = static_cast<int64_t>(order.size());
    batches = drop_last ? samples / batch : (samples + batch - 1) / batch;
  }

  Batch load(int64_t number) const {
    const auto first = static_cast<size_t>(number * batch);
    const size_t count = std::min(static_cast<size_t>(batch), order.size() - first);
    return sampler.load(std::span(order).subspan(first, count), epoch, number * batch);
  }

  void work() {
    std::unique_lock lock(mutex);
    for (;;) {
      room.wait(lock, [&] { return stop || next_job >= batches || next_job < wanted + ahead; });
      if (stop || next_job >= batches) return;
      const int64_t number = next_job++;
      lock.unlock();
      Slot slot;
      try {
        slot.batch = load(number);
      } catch (...) {
        slot.error = std::current_exception();
      }
      lock.lock();
      done.emplace(number, std::move(slot));
      ready.notify_one();
    }
  }
};

Loader::Loader(const Sampler& sampler, int64_t epoch, int64_t batch, bool drop_last,
               int64_t workers, int64_t first_batch) {
  if (batch < 1)
    throw Error("train.batch: value '" + std::to_string(batch) + "', allowed 1 or more.",
                Fault::request);
  impl_ = std::make_unique<Impl>(sampler, epoch, batch, drop_last, first_batch);
  impl_->ahead = 2 * workers;
  for (int64_t i = 0; i < workers; ++i) impl_->workers.emplace_back([this] { impl_->work(); });
}

Loader::~Loader() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stop = true;
  }
  impl_->room.notify_all();
  for (auto& worker : impl_->workers) worker.join();
}

bool Loader::next(Batch& batch) {
  Impl& l = *impl_;
  if (l.wanted >= l.batches) return false;
  if (l.workers.empty()) {
    batch = l.load(l.wanted++);
    return true;
  }
  std::unique_lock lock(l.mutex);
  l.ready.wait(lock, [&] { return l.done.contains(l.wanted); });
  auto slot = std::move(l.done.extract(l.wanted++).mapped());
  lock.unlock();
  l.room.notify_all();
  if (slot.error) std::rethrow_exception(slot.error);
  batch = std::move(slot.batch);
  return true;
}

int64_t Loader::batches() const { return impl_->batches; }

}  // namespace hilum::data
