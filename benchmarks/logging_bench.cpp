// SPDX-License-Identifier: Apache-2.0
// What Store::log takes of the thread that trains: one round in a store of 100 runs.
// logging_compare.py runs it in turns with another store.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/runs/queries.hpp"
#include "core/runs/store.hpp"

namespace {

using hilum::runs::Metric;
using hilum::runs::Store;
using Clock = std::chrono::steady_clock;

constexpr int64_t kRuns = 100, kNames = 20, kEpochs = 30;

double microseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

hilum::runs::NewRun some_run() {
  hilum::runs::NewRun run;
  run.name = "logging", run.experiment = "logging.toml", run.config = "# none\n";
  return run;
}

// `count` names at one step: what an epoch logs.
std::vector<Metric> epoch_of(int64_t step, int64_t count) {
  std::vector<Metric> rows;
  for (int64_t i = 0; i < count; ++i)
    rows.push_back({step, step, i % 2 ? "val" : "train", fmt::format("head.figure{}", i),
                    1.0 / static_cast<double>(step + i + 1)});
  return rows;
}

// `count` steps of one name: a curve that comes in one piece.
std::vector<Metric> curve_of(int64_t call, int64_t count) {
  std::vector<Metric> rows;
  for (int64_t i = 0; i < count; ++i)
    rows.push_back({call * count + i, call, "train", "loss", 0.5});
  return rows;
}

void fill(Store& store) {
  for (int64_t run = 0; run < kRuns; ++run) {
    const auto id = store.begin(some_run());
    for (int64_t epoch = 0; epoch < kEpochs; ++epoch) store.log(id, epoch_of(epoch, kNames));
    store.finish(id, "done");
  }
}

struct Case {
  const char* name;
  int64_t calls, scalars;
  std::vector<Metric> (*rows_of)(int64_t step, int64_t count);
  std::optional<std::chrono::milliseconds> flushed = {};  // so long after each call
};

// mean: what the calls took, with the wait for flush(). stored: until all of it is in the store.
void measure(Store& store, const Case& c) {
  const auto id = store.begin(some_run());
  std::vector<double> each;
  double sum = 0;
  const auto all = Clock::now();
  for (int64_t call = 0; call < c.calls; ++call) {
    const auto rows = c.rows_of(call, c.scalars);
    auto start = Clock::now();
    store.log(id, rows);
    double took = microseconds_since(start);
    if (c.flushed) {
      std::this_thread::sleep_for(*c.flushed);  // while the trainer puts a checkpoint together
      start = Clock::now();
      store.flush();
      took += microseconds_since(start);
    }
    each.push_back(took / static_cast<double>(c.scalars));
    sum += each.back();
  }
  store.flush();
  const double stored = microseconds_since(all) / static_cast<double>(c.calls * c.scalars);
  store.finish(id, "done");
  std::ranges::sort(each);
  const auto at = [&](double share) {
    return each[static_cast<size_t>(share * static_cast<double>(each.size() - 1))];
  };
  fmt::print(
      "{{\"case\": \"{}\", \"mean\": {:.3f}, \"median\": {:.3f}, \"p95\": {:.3f}, \"stored\": "
      "{:.3f}}}\n",
      c.name, sum / static_cast<double>(c.calls), at(0.5), at(0.95), stored);
}

}  // namespace

int main(int argc, char** argv) try {
  using namespace std::chrono_literals;
  if (argc != 2) {
    fmt::print(stderr,
               "logging_bench FOLDER: one round in the run store of FOLDER, which is made and "
               "filled with {} runs where there is none. Prints microseconds a scalar.\n",
               kRuns);
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  const bool made = hilum::runs::Reader(folder).empty();
  Store store(folder);
  if (made) fill(store);
  for (const Case& c : {Case{"1 a call", 2000, 1, epoch_of}, Case{"20 a call", 500, 20, epoch_of},
                        Case{"1000 a call", 20, 1000, curve_of},
                        Case{"20 a call, flushed at once", 500, 20, epoch_of, 0ms},
                        Case{"20 a call, flushed 5 ms later", 300, 20, epoch_of, 5ms}})
    measure(store, c);
} catch (const std::exception& error) {
  fmt::print(stderr, "{}\n", error.what());
  return 1;
}
