// SPDX-License-Identifier: Apache-2.0
// A recording as JSON: what `hilum plugins bench -o FILE` writes and --compare FILE reads.
#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/author/bench/compare.hpp"
#include "core/runs/benchmarks.hpp"

namespace hilum::bench {

nlohmann::ordered_json to_json(const runs::Recording& recording);
/// {"slower": true where any is, "changes": [{"name", "then", "now", "ratio", "interval",
/// "verdict"},
/// ...], "notes"}; times in seconds.
nlohmann::ordered_json to_json(const Comparison& comparison);
/// Throws Error: request where there is no such file, data where it is not such a recording.
runs::Recording read_recording(const std::filesystem::path& file);

}  // namespace hilum::bench
