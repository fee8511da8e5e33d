// SPDX-License-Identifier: Apache-2.0
// Recordings of plugins' benchmarks: the store's table `benchmark`.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/runs/store.hpp"

namespace hilum::runs {

/// One pass over one case. Times are seconds of one call.
struct Timing {
  std::string name;                      // "32x32/forward"
  std::string options;                   // {"inputs": {"a": [10, 64, 32, 32]}, "options": {}}
  double median = 0, low = 0, high = 0;  // low, high: the quartiles
  std::vector<double> samples;           // one a repetition
};
/// What one plugin took on one machine.
struct Recording {
  std::string id;       // "" until it is in a store
  std::string created;  // UTC, ISO 8601
  std::string kind, plugin, version, sha256, build;
  std::string host, device, torch, git, tag;  // device: "cpu: ...", "cuda: ..." and its model
  int64_t threads = 0;
  std::vector<Timing> timings;
  std::string address() const { return kind + "/" + plugin; }
};

/// Writes all of it or nothing. Fills in id (a ULID) and created. Throws Error (work).
void record(Recording& recording, const std::filesystem::path& folder = default_folder());
/// Newest first, timings by name; those of one plugin where `plugin` is not "" ("fusion/concat").
/// Where there is no store, there are none.
std::vector<Recording> recordings(const std::string& plugin = "",
                                  const std::filesystem::path& folder = default_folder());
/// By its id or a unique start of it, any case. Throws Error (request), with all matches of an
/// ambiguous one.
Recording find_recording(const std::string& id,
                         const std::filesystem::path& folder = default_folder());

}  // namespace hilum::runs
